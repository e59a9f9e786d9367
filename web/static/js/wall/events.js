/** What happened in one attempt, newest first: incidents, interventions, messages, states. */

import { byId, el } from "../dom.js";
import { duration, isoTime, wallClock } from "../time.js";
import { actionWords, kindWords, statusWords, verdictWords } from "../words.js";

/**
 * @typedef {object} Line
 * @property {number} at
 * @property {string} title
 * @property {string} [text]
 * @property {string | null} [picture]
 * @property {"alert" | "technical" | "person" | "plain"} tone
 */

/** @typedef {import("./store.js").Incident} Incident */

export class EventList {
  /** @type {Map<string, Line>} */ #lines = new Map();
  /** @type {string | null} */ #attempt = null;
  #list = byId("events");

  /** @param {import("./store.js").WallStore} store */
  constructor(store) {
    store.addEventListener("event", (event) => {
      const message = /** @type {CustomEvent<import("../types").EventMessage>} */ (event).detail;
      if (message.attempt === this.#attempt) this.#live(message);
    });
    store.addEventListener("incident", (event) => {
      const { incident } = /** @type {CustomEvent<{incident: Incident}>} */ (event).detail;
      if (incident.attempt === this.#attempt) this.#put(`incident ${incident.id}`, incidentLine(incident));
    });
  }

  /** @param {import("./store.js").Attempt} attempt */
  async show(attempt) {
    this.#attempt = attempt.id;
    this.#lines = new Map();
    for (const incident of attempt.incidentsById.values()) this.#lines.set(`incident ${incident.id}`, incidentLine(incident));
    this.#draw();
    const response = await fetch(`/api/attempts/${attempt.id}/timeline`).catch(() => null);
    if (!response?.ok || this.#attempt !== attempt.id) return;
    this.#history(await response.json());
  }

  hide() {
    this.#attempt = null;
  }

  /** @param {import("../types").Timeline} timeline */
  #history({ incidents, interventions, statuses }) {
    for (const incident of incidents) this.#lines.set(`incident ${incident.id}`, incidentLine(incident));
    for (const one of interventions) this.#lines.set(`intervention ${one.id}`, interventionLine(one));
    for (const { at, status } of statuses) this.#lines.set(`status ${at}`, { at, title: statusWords(status), tone: "plain" });
    this.#draw();
  }

  /** @param {import("../types").EventMessage} message */
  #live({ event, payload = {}, at, seq }) {
    const [area, what] = event.split(".");
    if (area === "intervention" && what === "acknowledged") {
      const before = this.#lines.get(`intervention ${payload.id}`);
      if (before) this.#put(`intervention ${payload.id}`, { ...before, text: `${before.text ?? ""} · read by the student` });
    } else if (area === "intervention") {
      this.#put(`intervention ${payload.id}`, interventionLine({ ...payload, id: payload.id, kind: what, at }));
    } else if (event === "chat.said") {
      this.#put(`chat ${seq}`, { at, title: payload.name || "Message", text: payload.text, tone: "person" });
    } else if (event === "attempt.status") {
      this.#put(`status ${at}`, { at, title: statusWords(payload.status), tone: "plain" });
    } else if (area === "hand") {
      this.#put(`hand ${seq}`, { at, title: what === "raised" ? "Hand raised" : "Hand lowered", tone: "person" });
    }
  }

  /** @param {string} key @param {Line} line */
  #put(key, line) {
    this.#lines.set(key, line);
    this.#draw();
  }

  #draw() {
    const lines = [...this.#lines.values()].sort((a, b) => b.at - a.at).slice(0, 120);
    this.#list.replaceChildren(...lines.map(item));
    if (!lines.length) this.#list.append(el("li", { class: "quiet" }, "Nothing yet."));
  }
}

/** @param {Line} line */
function item({ at, title, text, picture, tone }) {
  return el(
    "li",
    { class: "event", "data-tone": tone },
    el("time", { datetime: isoTime(at) }, wallClock(at)),
    el("div", {}, el("strong", {}, title), text && el("p", {}, text), picture && el("img", { src: picture, alt: "", loading: "lazy", width: 160, height: 120 })),
  );
}

/** @param {import("../types").ReviewIncident} incident @returns {Line} */
function incidentLine({ kind, category, severity, started_at, ended_at, evidence, verdict }) {
  const length = ended_at ? `for ${duration(ended_at - started_at)}` : "goes on";
  const alert = category === "suspicion" && (severity === "medium" || severity === "high") && !verdict;
  return {
    at: started_at,
    title: kindWords(kind),
    text: verdict ? `${length} · ${verdictWords(verdict).toLowerCase()}` : length,
    picture: evidence,
    tone: category === "technical" ? "technical" : alert ? "alert" : "plain",
  };
}

/** @param {Partial<import("../types").InterventionRecord> & {kind: string, at: number}} record @returns {Line} */
function interventionLine({ kind, at, text, reason, acknowledged_at }) {
  const said = [text && `“${text}”`, reason && `Reason: ${reason}`, acknowledged_at && "read by the student"];
  return { at, title: actionWords(kind), text: said.filter(Boolean).join(" · "), tone: "person" };
}

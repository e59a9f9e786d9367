/** What happened in one attempt, newest first: incidents, interventions, messages, states. */

import { byId, el } from "../dom.js";
import { startAndEnd } from "../statuses.js";
import { duration, isoTime, wallClock } from "../time.js";
import { actionWords, kindWords, verdictWords } from "../words.js";

/**
 * @typedef {object} Line
 * @property {number} at
 * @property {string} title
 * @property {string} [text]
 * @property {string | null} [picture]
 * @property {"alert" | "technical" | "person" | "plain"} tone
 * @property {{id: string, verdict: Verdict | null}} [judge] a suspicion, for a person to judge
 */

/** @typedef {import("../types").Verdict} Verdict */

/** @typedef {import("./store.js").Incident} Incident */

const KEPT = 120;

export class EventList {
  /** @type {Map<string, {told: string, element: HTMLElement}>} drawn lines, kept while they say the same */ #drawn = new Map();
  /** @type {Map<string, Line>} */ #lines = new Map();
  /** @type {string | null} */ #attempt = null;
  #list = byId("events");

  /**
   * @param {import("./store.js").WallStore} store
   * @param {(incident: string, verdict: Verdict | null) => void} judge
   */
  constructor(store, judge) {
    this.judge = judge;
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
    this.#drawn.clear();
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
    this.#statuses(statuses);
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
      // A start follows on nothing; whatever else runs was resumed.
      if (payload.status !== "running" || payload.previous === "none") this.#statuses([{ at, status: payload.status }]);
      this.#draw();
    } else if (area === "hand") {
      this.#put(`hand ${seq}`, { at, title: what === "raised" ? "Hand raised" : "Hand lowered", tone: "person" });
    }
  }

  /** @param {import("../types").StatusChange[]} statuses */
  #statuses(statuses) {
    for (const { at, title } of startAndEnd(statuses)) this.#lines.set(`status ${at}`, { at, title, tone: "plain" });
  }

  /** @param {string} key @param {Line} line */
  #put(key, line) {
    this.#lines.set(key, line);
    this.#draw();
  }

  #draw() {
    const lines = [...this.#lines].sort(([, a], [, b]) => b.at - a.at).slice(0, KEPT);
    const elements = lines.map(([key, line]) => this.#element(key, line));
    this.#list.replaceChildren(...elements);
    if (!lines.length) this.#list.append(el("li", { class: "quiet" }, "Nothing yet."));
  }

  /** @param {string} key @param {Line} line */
  #element(key, line) {
    const told = JSON.stringify(line);
    const before = this.#drawn.get(key);
    if (before?.told === told) return before.element;
    const element = item(line, this.judge);
    this.#drawn.set(key, { told, element });
    return element;
  }
}

/** @param {Line} line @param {(incident: string, verdict: Verdict | null) => void} judge */
function item({ at, title, text, picture, tone, judge: asked }, judge) {
  return el(
    "li",
    { class: "event", "data-tone": tone },
    el("time", { datetime: isoTime(at) }, wallClock(at)),
    el(
      "div",
      {},
      el("strong", {}, title),
      text && el("p", {}, text),
      picture && el("img", { src: picture, alt: "", loading: "lazy", width: 160, height: 120 }),
      asked && verdictButtons(asked, title, judge),
    ),
  );
}

/** @param {{id: string, verdict: Verdict | null}} asked @param {string} title @param {(incident: string, verdict: Verdict | null) => void} judge */
function verdictButtons({ id, verdict }, title, judge) {
  /** @type {[string, Verdict | null][]} */
  const choices = verdict ? [["Take back", null]] : [["Confirm", "confirmed"], ["Dismiss", "dismissed"]];
  const buttons = choices.map(([words, value]) => {
    const button = el("button", { type: "button", class: "link-button", "aria-label": `${words}: ${title}` }, words);
    button.addEventListener("click", () => judge(id, value));
    return button;
  });
  return el("div", { class: "verdicts" }, ...buttons);
}

/** @param {import("../types").ReviewIncident} incident @returns {Line} */
function incidentLine({ id, kind, category, severity, started_at, ended_at, evidence, verdict }) {
  const length = ended_at ? `for ${duration(ended_at - started_at)}` : "goes on";
  const alert = category === "suspicion" && (severity === "medium" || severity === "high") && !verdict;
  return {
    at: started_at,
    title: kindWords(kind),
    text: verdict ? `${length} · ${verdictWords(verdict).toLowerCase()}` : length,
    picture: evidence,
    tone: category === "technical" ? "technical" : alert ? "alert" : "plain",
    judge: category === "suspicion" ? { id, verdict: verdict ?? null } : undefined,
  };
}

/** @param {Partial<import("../types").InterventionRecord> & {kind: string, at: number}} record @returns {Line} */
function interventionLine({ kind, at, text, reason, acknowledged_at }) {
  const said = [text && `“${text}”`, reason && `Reason: ${reason}`, acknowledged_at && "read by the student"];
  return { at, title: actionWords(kind), text: said.filter(Boolean).join(" · "), tone: "person" };
}

/** The alerts of all students, newest first, with the picture that speaks loudest. */

import { byId, el, setText } from "../dom.js";
import { duration, isoTime, wallClock } from "../time.js";
import { kindWords, verdictWords } from "../words.js";
import { isAlert } from "./store.js";

const KEPT = 60;
const SPEAKS_EVERY_MS = 4_000;

/** @typedef {import("./store.js").Incident} Incident */

export class Feed {
  /** @type {Map<string, HTMLElement>} */ #items = new Map();
  #list = byId("feed");
  #spokeAt = 0;

  /** @param {import("./store.js").WallStore} store @param {(attempt: string) => void} open */
  constructor(store, open) {
    this.store = store;
    this.open = open;
    store.addEventListener("reset", () => this.#fill());
    store.addEventListener("incident", (event) => {
      const { incident, isNew } = /** @type {CustomEvent<{incident: Incident, isNew: boolean}>} */ (event).detail;
      if (!isAlert(incident)) return;
      this.#show(incident);
      if (isNew) this.#speak(incident);
    });
    setInterval(() => this.#tick(), 1_000);
  }

  /** After a (re)connect: what is open or recent, without reading it all out. */
  #fill() {
    const recent = [...this.store.attempts.values()].flatMap(({ incidentsById }) => [...incidentsById.values()]).filter(isAlert);
    recent.sort((a, b) => a.started_at - b.started_at);
    const log = byId("feed-log");
    log.setAttribute("aria-live", "off");
    for (const incident of recent.slice(-KEPT)) this.#show(incident);
    requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
  }

  /** @param {Incident} incident */
  #show(incident) {
    const before = this.#items.get(incident.id);
    const item = before ?? this.#create(incident);
    this.#update(item, incident);
    if (!before) {
      this.#items.set(incident.id, item);
      this.#list.prepend(item);
      const oldest = [...this.#items.keys()][0];
      if (this.#items.size > KEPT) this.#remove(oldest);
    }
    byId("feed-empty").hidden = true;
    this.#count();
  }

  /** @param {string} id */
  #remove(id) {
    this.#items.get(id)?.remove();
    this.#items.delete(id);
  }

  /** @param {Incident} incident */
  #create(incident) {
    const name = this.store.attempts.get(incident.attempt)?.name ?? "";
    const button = el(
      "button",
      { type: "button", class: "feed-open" },
      el("span", { class: "feed-picture" }),
      el(
        "span",
        { class: "feed-words" },
        el("strong", {}, kindWords(incident.kind)),
        el("span", {}, name),
        el("span", { class: "feed-when" }, el("time", { datetime: isoTime(incident.started_at) }, wallClock(incident.started_at)), el("span", { class: "feed-length" })),
      ),
    );
    button.addEventListener("click", () => this.open(incident.attempt));
    return el("li", { class: "feed-item", "data-incident": incident.id }, button);
  }

  /** @param {HTMLElement} item @param {Incident} incident */
  #update(item, incident) {
    item.dataset.category = incident.category;
    item.dataset.open = incident.ended_at ? "no" : "yes";
    item.dataset.verdict = incident.verdict ?? "";
    const picture = item.querySelector(".feed-picture");
    if (incident.evidence && picture && !picture.firstChild) {
      picture.append(el("img", { src: incident.evidence, alt: "", loading: "lazy", width: 96, height: 72 }));
    }
    this.#showLength(item, incident);
  }

  /** @param {HTMLElement} item @param {Incident} incident */
  #showLength(item, { started_at, ended_at, verdict }) {
    const seconds = (ended_at ?? this.store.connection.now()) - started_at;
    const length = ended_at ? `for ${duration(seconds)}` : `for ${duration(seconds)} so far`;
    const element = item.querySelector(".feed-length");
    if (element) setText(element, verdict ? ` ${length} · ${verdictWords(verdict).toLowerCase()}` : ` ${length}`);
  }

  #tick() {
    for (const { incidentsById } of this.store.attempts.values()) {
      for (const incident of incidentsById.values()) {
        const item = incident.ended_at ? undefined : this.#items.get(incident.id);
        if (item) this.#showLength(item, incident);
      }
    }
  }

  #count() {
    const open = [...this.#items.values()].filter(({ dataset }) => dataset.open === "yes" && !dataset.verdict).length;
    setText(byId("feed-count"), open ? `${open} open` : "");
  }

  /** Once in a while, aloud: a screen reader must not drown. @param {Incident} incident */
  #speak(incident) {
    const now = performance.now();
    if (incident.category !== "suspicion" || now - this.#spokeAt < SPEAKS_EVERY_MS) return;
    this.#spokeAt = now;
    const name = this.store.attempts.get(incident.attempt)?.name ?? "A student";
    setText(byId("announcer"), `${name}: ${kindWords(incident.kind)}`);
  }
}

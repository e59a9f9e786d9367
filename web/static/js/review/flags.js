/** The list of flags, and the verdict on the one that is chosen. */

import { byId, el, setAttribute, setText } from "../dom.js";
import { clock, duration } from "../time.js";
import { kindWords, verdictWords } from "../words.js";
import { isAlert, isToJudge, toneOf } from "./lanes.js";

/** @typedef {import("../types").ReviewIncident} Incident */
/** @typedef {import("../types").Verdict} Verdict */
/** @typedef {"open" | "alerts" | "all"} Show */

/** @type {Record<Show, string>} */
const EMPTY = {
  open: "Nothing is left to judge.",
  alerts: "No alerts.",
  all: "Nothing was noticed in this attempt.",
};

/** Fires `select` (detail: Incident) and `judged` (detail: Incident). */
export class Flags extends EventTarget {
  /** @type {Incident[]} */ #incidents = [];
  /** @type {Show} */ #show = "open";
  /** @type {Set<string>} judged just now: they stay where they were until the list is turned over */ #kept = new Set();
  /** @type {Incident | null} */ selected = null;
  #origin = 0;
  #list = byId("flags");

  /** @param {{verdict: string, csrf: string}} page */
  constructor({ verdict, csrf }) {
    super();
    this.verdictPrefix = verdict;
    this.csrf = csrf;
    const choices = [...document.querySelectorAll("[data-show]")];
    for (const button of choices) {
      button.addEventListener("click", () => {
        this.#show = /** @type {Show} */ (button.getAttribute("data-show"));
        this.#kept.clear();
        for (const one of choices) setAttribute(one, "aria-pressed", one === button ? "true" : "false");
        this.#draw();
      });
    }
    for (const button of document.querySelectorAll("[data-verdict]")) {
      button.addEventListener("click", () => this.judge(/** @type {Verdict} */ (button.getAttribute("data-verdict"))));
    }
    byId("judge-undo").addEventListener("click", () => this.judge(null));
  }

  /** @param {Incident[]} incidents @param {number} origin UNIX seconds at which the recording begins */
  show(incidents, origin) {
    this.#incidents = [...incidents].sort((a, b) => a.started_at - b.started_at);
    this.#origin = origin;
    this.selected = this.#incidents.find(({ id }) => id === this.selected?.id) ?? this.selected;
    this.#draw();
  }

  /** @param {string} id */
  select(id) {
    const incident = this.#incidents.find((one) => one.id === id);
    if (!incident) return;
    this.selected = incident;
    byId("judge-reason", HTMLInputElement).value = incident.verdict_reason ?? "";
    setText(byId("judge-said"), "");
    this.#draw();
    this.#list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    this.dispatchEvent(new CustomEvent("select", { detail: incident }));
  }

  /** To the next (1) or previous (-1) flag of the list. @param {1 | -1} step @param {number} position UNIX seconds */
  step(step, position) {
    const shown = this.#shown();
    const at = shown.findIndex(({ id }) => id === this.selected?.id);
    const after = step > 0 ? shown.findIndex(({ started_at }) => started_at > position) : shown.findLastIndex(({ started_at }) => started_at < position - 1);
    const next = at >= 0 ? shown[at + step] : shown[after];
    if (next) this.select(next.id);
  }

  /** @param {Verdict | null} verdict null takes it back */
  async judge(verdict) {
    const incident = this.selected;
    if (!incident) return;
    const reason = verdict ? byId("judge-reason", HTMLInputElement).value.trim() : "";
    const response = await fetch(`${this.verdictPrefix}${encodeURIComponent(incident.id)}/verdict`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": this.csrf },
      body: JSON.stringify({ verdict, reason }),
    }).catch(() => null);
    if (!response?.ok) {
      const problem = await response?.json().catch(() => null);
      return setText(byId("judge-said"), `Not saved: ${problem?.title ?? "the server did not answer"}. Try again.`);
    }
    this.#kept.add(incident.id);
    Object.assign(incident, { verdict, verdict_reason: reason });
    setText(byId("judge-said"), verdict ? `${verdictWords(verdict)}. Saved.` : "Taken back.");
    this.#draw();
    this.dispatchEvent(new CustomEvent("judged", { detail: incident }));
  }

  #shown() {
    return this.#incidents.filter((one) => {
      if (this.#show === "open") return isToJudge(one) || this.#kept.has(one.id) || one.id === this.selected?.id;
      return this.#show === "all" || isAlert(one);
    });
  }

  #draw() {
    const shown = this.#shown();
    const focused = document.activeElement?.closest("[data-incident]")?.getAttribute("data-incident");
    this.#list.replaceChildren(...shown.map((one) => this.#row(one)));
    if (focused) /** @type {HTMLElement | null} */ (this.#list.querySelector(`[data-incident="${CSS.escape(focused)}"] button`))?.focus();
    const left = this.#incidents.filter(isToJudge).length;
    setText(byId("flags-left"), left ? `${left} to judge` : "all judged");
    byId("flags-empty").hidden = shown.length > 0;
    setText(byId("flags-empty"), EMPTY[this.#show]);
    this.#drawJudge();
  }

  /** @param {Incident} incident */
  #row(incident) {
    const { id, kind, started_at, ended_at, verdict } = incident;
    const length = ended_at ? duration(ended_at - started_at) : "goes on";
    const button = el(
      "button",
      { type: "button", class: "flag-open", "aria-current": id === this.selected?.id ? "true" : null },
      el("time", {}, clock(started_at - this.#origin)),
      el("strong", {}, kindWords(kind)),
      el("span", { class: "flag-length" }, verdict ? verdictWords(verdict) : length),
    );
    button.addEventListener("click", () => this.select(id));
    return el("li", { class: "flag-row", "data-tone": toneOf(incident), "data-incident": id }, button);
  }

  #drawJudge() {
    const incident = this.selected;
    byId("judge").hidden = !incident;
    if (!incident) return;
    const { kind, confidence = 0, findings = 1, started_at, ended_at, verdict, evidence } = incident;
    setText(byId("judge-title"), `${kindWords(kind)} at ${clock(started_at - this.#origin)}`);
    const facts = [
      ended_at ? duration(ended_at - started_at) : "goes on",
      `the system is ${Math.round(confidence * 100)} % sure`,
      findings > 1 && `${findings} times in a row`,
    ];
    setText(byId("judge-facts"), facts.filter(Boolean).join(" · "));
    const image = byId("judge-evidence", HTMLImageElement);
    image.hidden = !evidence;
    image.alt = evidence ? `The picture in which it was clearest: ${kindWords(kind)}` : "";
    if (evidence && image.getAttribute("src") !== evidence) image.src = evidence;
    for (const button of document.querySelectorAll("[data-verdict]")) {
      setAttribute(button, "aria-pressed", button.getAttribute("data-verdict") === verdict ? "true" : "false");
    }
    byId("judge-undo").hidden = !verdict;
  }
}

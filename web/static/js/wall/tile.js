/** One student on the wall: the picture, and an honest word on what it is worth. */

import { el, icon, setAttribute, setText } from "../dom.js";
import { clock, duration } from "../time.js";
import { blindnessWords, kindWords, statusWords } from "../words.js";
import { faults, isTechnical } from "./store.js";

/** @typedef {import("./store.js").Attempt} Attempt */

/** Seconds without a frame on this screen before the tile says so. */
const SILENT_S = 4;

export class TileView {
  #name = el("span", { class: "tile-name" });
  #seat = el("span", { class: "tile-seat" });
  #marks = el("span", { class: "tile-marks" });
  #note = el("span", { class: "tile-note" });
  #alert = el("span", { class: "tile-alert" });
  #veil = el("span", { class: "tile-veil" });
  #spoken = el("span", { class: "visually-hidden" });
  /** @type {import("../watcher.js").Lease | null} */ #lease = null;
  #frameAt = 0;
  #leasedAt = 0;
  #nudgedAt = 0;

  /** @param {string} id @param {{open: (id: string) => void, listen: (id: string) => void}} on */
  constructor(id, on) {
    this.id = id;
    this.video = el("video", { muted: true, playsinline: true, autoplay: true, "aria-hidden": "true", tabindex: -1 });
    this.video.muted = true;
    const foot = el("span", { class: "tile-foot" }, this.#seat, this.#name, this.#marks, this.#note);
    for (const part of [foot, this.#alert, this.#veil]) part.setAttribute("aria-hidden", "true");
    this.button = el("button", { type: "button", class: "tile-open", tabindex: -1 }, this.video, this.#veil, this.#alert, foot, this.#spoken);
    this.listenButton = el("button", { type: "button", class: "tile-listen icon-button", tabindex: -1, "aria-pressed": "false" }, icon("sound"));
    this.element = el("li", { class: "tile", "data-attempt": id }, this.button, this.listenButton);
    this.button.addEventListener("click", () => on.open(id));
    this.listenButton.addEventListener("click", () => on.listen(id));
    const seen = () => {
      this.#frameAt = performance.now();
      this.video.requestVideoFrameCallback(seen);
    };
    this.video.requestVideoFrameCallback(seen);
  }

  get showing() {
    return this.#lease !== null;
  }

  /** The media process the picture comes from; null while there is none. */
  get worker() {
    return this.#lease?.watcher.worker ?? null;
  }

  /** @param {import("../watcher.js").Lease} lease */
  show(lease) {
    this.#lease = lease;
    this.#leasedAt = performance.now();
    lease.playIn(this.video);
  }

  hide() {
    this.#lease?.release();
    this.#lease = null;
    this.#frameAt = 0;
    this.video.srcObject = null;
  }

  /**
   * @param {Attempt} attempt
   * @param {import("./store.js").Incident[]} alerts
   * @param {number} now the server's clock
   * @param {number | null} timeLeft
   */
  update(attempt, alerts, now, timeLeft) {
    const veil = this.#veilText(attempt, now);
    const technical = isTechnical(attempt);
    this.element.dataset.tone = alerts.length ? "alert" : technical ? "technical" : "calm";
    this.element.dataset.state = attempt.state ?? "absent";
    this.element.dataset.veiled = veil ? "yes" : "no";
    setText(this.#name, attempt.name);
    setText(this.#seat, attempt.seat ?? "");
    setText(this.#veil, veil);
    setText(this.#alert, alerts.map(({ kind }) => kindWords(kind)).filter(unique).join(" · "));
    const note = noteText(attempt, timeLeft);
    setText(this.#note, note);
    this.#showMarks(attempt);
    setText(this.#spoken, spoken(attempt, alerts, veil || note));
    setAttribute(this.listenButton, "aria-label", `Listen to ${attempt.name}`);
  }

  /** What stands over the picture; empty while it moves. @param {Attempt} attempt @param {number} now */
  #veilText({ state = "absent", state_since, status, last_frame_at }, now) {
    if (state === "absent") return status === "none" ? "Not here yet" : "Not connected";
    if (state === "connecting") return "Connecting …";
    if (state === "frozen") return `Frozen for ${duration(now - (last_frame_at ?? state_since ?? now))}`;
    if (state === "reconnecting") return `Reconnecting for ${duration(now - (state_since ?? now))}`;
    if (state === "ended") return statusWords(status);
    return this.#localStall();
  }

  /** The server has the picture and this screen does not: say that, and ask for it again. */
  #localStall() {
    if (!this.#lease) return "";
    const at = performance.now();
    const silent = (at - Math.max(this.#frameAt, this.#leasedAt)) / 1000;
    if (silent < SILENT_S) return this.#frameAt ? "" : "Loading …";
    if (at - this.#nudgedAt > 3_000) {
      this.#nudgedAt = at;
      this.#lease.nudge();
    }
    return `No picture here for ${duration(silent)}`;
  }

  /** @param {Attempt} attempt */
  #showMarks({ hand_raised, flagged, status }) {
    const wanted = [hand_raised && "hand", flagged && "flag", status === "paused" && "pause"].filter((mark) => mark !== false && mark !== undefined);
    const key = wanted.join(" ");
    if (this.#marks.dataset.marks === key) return;
    this.#marks.dataset.marks = key;
    this.#marks.replaceChildren(...wanted.map((mark) => icon(String(mark))));
  }
}

/** @param {string} value @param {number} index @param {string[]} all */
const unique = (value, index, all) => all.indexOf(value) === index;

/** @param {Attempt} attempt @param {number | null} timeLeft */
function noteText({ state, status, blind = {} }, timeLeft) {
  const [fault] = faults(blind);
  if (state === "live" && fault) return blindnessWords(fault);
  if (status === "none") return state === "live" ? "getting ready" : "";
  if (status === "paused") return "paused";
  return status === "running" && timeLeft !== null ? clock(timeLeft) : "";
}

/** @param {Attempt} attempt @param {import("./store.js").Incident[]} alerts @param {string} state */
function spoken({ name, seat, hand_raised, flagged }, alerts, state) {
  const parts = [
    `${name}, seat ${seat}`,
    ...alerts.map(({ kind }) => `alert: ${kindWords(kind)}`).filter(unique),
    hand_raised && "hand raised",
    flagged && "flagged",
    state,
  ];
  return parts.filter(Boolean).join(", ");
}

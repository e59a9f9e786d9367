/** One student close up: picture with overlay, sound, what happened, what can be done. */

import { byId, setAttribute, setText } from "../dom.js";
import { clock, duration } from "../time.js";
import { blindnessWords, detectorWords, statusWords } from "../words.js";
import { Acts } from "./acts.js";
import { EventList } from "./events.js";
import { FocusMedia, Talking, showState } from "./focus_media.js";
import { faults } from "./store.js";

/** @typedef {import("./store.js").Attempt} Attempt */

/** Looking goes on as long as the view is open; said again this often (ms). */
const LOOK_MS = 20_000;

export class Focus {
  /** @type {string | null} */ attempt = null;
  #section = byId("focus");
  #lookTimer = 0;

  /**
   * @param {import("./store.js").WallStore} store
   * @param {import("../watcher.js").Watchers} watchers
   * @param {import("./focus_media.js").Listening} listening
   * @param {{reviewPrefix: string, onclose: () => void}} options
   */
  constructor(store, watchers, listening, { reviewPrefix, onclose }) {
    this.store = store;
    this.connection = watchers.connection;
    this.listening = listening;
    this.reviewPrefix = reviewPrefix;
    this.onclose = onclose;
    this.media = new FocusMedia(watchers);
    this.events = new EventList(store, (incident, verdict) => this.#judge(incident, verdict));
    this.acts = new Acts(this.connection, () => this.current());
    this.talking = new Talking(watchers, () => this.current(), (text) => this.acts.say(text));
    store.addEventListener("attempt", (event) => {
      if (/** @type {CustomEvent<string>} */ (event).detail === this.attempt) this.update();
    });
    store.addEventListener("reset", () => this.attempt && this.open(this.attempt));
    setInterval(() => this.update(), 1_000);
    byId("focus-back").addEventListener("click", () => this.close());
    byId("listen").addEventListener("click", () => this.listen());
    this.#setUpChat();
  }

  /** @returns {Attempt | null} */
  current() {
    return (this.attempt && this.store.attempts.get(this.attempt)) || null;
  }

  /** @param {string} id */
  open(id) {
    const attempt = this.store.attempts.get(id);
    if (!attempt) return;
    const again = this.attempt === id;
    if (!again) this.talking.stop();
    this.attempt = id;
    this.#section.hidden = false;
    document.body.dataset.view = "focus";
    setText(byId("focus-name"), attempt.name);
    setAttribute(byId("focus-review"), "href", this.reviewPrefix + id);
    this.media.show(attempt);
    this.events.show(attempt);
    this.acts.say("");
    this.#look();
    clearInterval(this.#lookTimer);
    this.#lookTimer = setInterval(() => this.#look(), LOOK_MS);
    this.update();
    if (!again) byId("focus-name").focus();
  }

  close() {
    if (!this.attempt) return;
    this.attempt = null;
    clearInterval(this.#lookTimer);
    this.talking.stop();
    this.listening.stop();
    this.media.hide();
    this.events.hide();
    this.#section.hidden = true;
    document.body.dataset.view = "wall";
    this.connection.request("focus", { attempt: null }).catch(() => {});
    this.onclose();
  }

  listen() {
    const attempt = this.current();
    if (attempt) this.listening.toggle(attempt);
  }

  update() {
    const attempt = this.current();
    if (!attempt) return;
    this.media.update(attempt);
    this.acts.update(attempt);
    const left = this.store.timeLeft(attempt);
    setText(byId("focus-status"), [statusWords(attempt.status), attempt.hand_raised && "hand raised", attempt.flagged && "flagged"].filter(Boolean).join(" · "));
    setText(byId("focus-clock"), left === null || attempt.status === "none" ? "" : `${clock(left)} left`);
    setText(byId("technical-line"), technicalLine(attempt, this.connection.now()));
    setText(byId("blind-line"), blindLine(attempt));
    byId("blind-line").dataset.tone = faults(attempt.blind ?? {}).length ? "technical" : "calm";
    showState(byId("focus-state"), pictureState(attempt, this.connection.now()));
    setAttribute(byId("listen"), "aria-pressed", this.listening.attempt === attempt.id ? "true" : "false");
  }

  /** Overlays flow, and a person is on record as looking. */
  #look() {
    if (this.attempt) this.connection.request("focus", { attempt: this.attempt }).catch(() => {});
  }

  /** @param {string} incident @param {import("../types").Verdict | null} verdict */
  #judge(incident, verdict) {
    this.connection.request("judge", { incident, verdict }).catch((error) => this.acts.say(`Not saved: ${error.message}`));
  }

  #setUpChat() {
    const input = byId("chat-text", HTMLInputElement);
    byId("chat-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (!text || !this.attempt) return;
      input.value = "";
      this.connection.request("say", { attempt: this.attempt, text }).catch((error) => {
        input.value = text;
        this.acts.say(`Not sent: ${error.message}`);
      });
    });
  }
}

/** @param {Attempt} attempt @param {number} now */
function pictureState({ state = "absent", state_since, status, last_frame_at }, now) {
  const since = duration(now - (last_frame_at ?? state_since ?? now));
  if (state === "absent") return status === "none" ? "Not here yet" : "Not connected";
  if (state === "connecting") return "Connecting …";
  if (state === "frozen") return `Frozen for ${since}: no picture arrives`;
  if (state === "reconnecting") return `Reconnecting for ${since}`;
  return state === "ended" ? statusWords(status) : "";
}

/** @param {Attempt} attempt @param {number} now */
function technicalLine({ fps, loss_percent, rtt_ms, candidate, last_frame_at, looked_at, state }, now) {
  if (state === "absent" || state === "ended") return "";
  const parts = [
    fps !== undefined && `${Math.round(fps)} pictures/s`,
    loss_percent !== undefined && `${loss_percent.toFixed(1)} % lost`,
    rtt_ms !== null && rtt_ms !== undefined && `${Math.round(rtt_ms)} ms round trip`,
    candidate && (candidate === "relay" ? "through a relay" : "direct"),
    last_frame_at && `last picture ${duration(now - last_frame_at)} ago`,
    looked_at && `looked at ${duration(now - looked_at)} ago`,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** Each reason once, with what it keeps from looking. @param {Attempt} attempt */
function blindLine({ blind = {} }) {
  const detectors = Object.keys(blind);
  if (!detectors.length) return "";
  const reasons = [...new Set(Object.values(blind))].map((reason) => {
    const blinded = detectors.filter((one) => blind[one] === reason).map(detectorWords);
    return `${blindnessWords(reason)} (${blinded.join(", ").toLowerCase()})`;
  });
  return `Could not measure: ${reasons.join(" · ")}`;
}

/** The focus view's picture, overlay and sound. */

import { byId, setAttribute, setText } from "../dom.js";
import { OverlayPainter } from "../overlay.js";

/** @typedef {import("./store.js").Attempt} Attempt */
/** @typedef {import("../watcher.js").Lease} Lease */

export class FocusMedia {
  video = byId("focus-video", HTMLVideoElement);
  painter = new OverlayPainter(this.video, byId("focus-overlay", HTMLCanvasElement));
  /** @type {Attempt | null} */ #attempt = null;
  /** @type {Lease | null} */ #camera = null;
  /** @type {Lease | null} */ #screen = null;
  #annotated = byId("annotated", HTMLInputElement);

  /** @param {import("../watcher.js").Watchers} watchers */
  constructor(watchers) {
    this.watchers = watchers;
    watchers.connection.on("overlay", (overlay) => {
      if (overlay.attempt === this.#attempt?.id) this.painter.buffer.add(overlay);
    });
    for (const box of document.querySelectorAll("[data-layer]")) {
      box.addEventListener("change", () => this.#setLayers());
    }
    this.#annotated.addEventListener("change", () => this.#camera?.switchTo(this.#track()));
  }

  /** @param {Attempt} attempt */
  show(attempt) {
    this.hide();
    this.#attempt = attempt;
    this.painter.start();
    this.update(attempt);
  }

  /** Follows the attempt to another media process, and its screen in and out. @param {Attempt} attempt */
  update(attempt) {
    if (attempt.id !== this.#attempt?.id) return;
    this.#attempt = attempt;
    const worker = attempt.worker ?? 0;
    if (this.#camera && this.#camera.watcher.worker !== worker) this.#releasePictures();
    const seen = !["absent", "ended"].includes(attempt.state ?? "absent");
    if (seen && !this.#camera) this.#openCamera(worker);
    if (!seen) this.#releasePictures();
    this.#showScreen(Boolean(attempt.screen) && seen, worker);
  }

  hide() {
    this.painter.stop();
    this.#releasePictures();
    this.#attempt = null;
    this.#annotated.checked = false;
  }

  /** @param {number} worker */
  #openCamera(worker) {
    if (!this.#attempt) return;
    const lease = this.watchers.claim(worker, "focus", this.#attempt.id, this.#track());
    if (!lease) return;
    this.#camera = lease;
    lease.slot.onmapping = () => (this.painter.mapping = lease.slot.mapping);
    lease.playIn(this.video);
  }

  /** @param {boolean} wanted @param {number} worker */
  #showScreen(wanted, worker) {
    byId("screen-figure").hidden = !wanted;
    if (!wanted) {
      this.#screen?.release();
      this.#screen = null;
    } else if (!this.#screen && this.#attempt) {
      this.#screen = this.watchers.claim(worker, "screen", this.#attempt.id, "screen");
      this.#screen?.playIn(byId("focus-screen", HTMLVideoElement));
    }
  }

  #releasePictures() {
    this.#camera?.release();
    this.#screen?.release();
    this.#camera = this.#screen = null;
    this.video.srcObject = null;
    byId("focus-screen", HTMLVideoElement).srcObject = null;
  }

  #track() {
    return this.#annotated.checked ? "annotated" : "main";
  }

  #setLayers() {
    for (const box of document.querySelectorAll("[data-layer]")) {
      const { dataset, checked } = /** @type {HTMLInputElement} */ (box);
      this.painter.layers[/** @type {keyof import("../overlay.js").Layers} */ (dataset.layer)] = checked;
    }
  }
}

/** One student at a time can be heard, from the wall or in focus. */
export class Listening {
  /** @type {string | null} */ attempt = null;
  /** @type {Lease | null} */ #lease = null;
  #audio = byId("focus-audio", HTMLAudioElement);

  /** @param {import("../watcher.js").Watchers} watchers @param {() => void} onchange */
  constructor(watchers, onchange) {
    this.watchers = watchers;
    this.onchange = onchange;
  }

  /** @param {Attempt} attempt */
  toggle(attempt) {
    if (this.attempt === attempt.id) this.stop();
    else this.#start(attempt);
  }

  stop() {
    this.#lease?.release();
    this.#lease = null;
    this.attempt = null;
    this.#audio.srcObject = null;
    this.onchange();
  }

  /** @param {Attempt} attempt */
  #start(attempt) {
    this.#lease?.release();
    this.#lease = this.watchers.claim(attempt.worker ?? 0, "audio", attempt.id, "audio");
    this.attempt = this.#lease ? attempt.id : null;
    this.#lease?.playIn(this.#audio);
    this.onchange();
  }
}

/** Speaking to the student in focus, for as long as a button or a key is held. */
export class Talking {
  #button = byId("talk", HTMLButtonElement);
  /** @type {MediaStream | null} */ #microphone = null;
  #wanted = false;
  /** @type {{watcher: import("../watcher.js").Watcher} | null} */ #speaking = null;

  /** @param {import("../watcher.js").Watchers} watchers @param {() => Attempt | null} current @param {(text: string) => void} say */
  constructor(watchers, current, say) {
    this.watchers = watchers;
    this.current = current;
    this.say = say;
    this.#button.addEventListener("pointerdown", (event) => {
      this.#button.setPointerCapture(event.pointerId);
      this.start();
    });
    for (const name of ["pointerup", "pointercancel", "blur"]) this.#button.addEventListener(name, () => this.stop());
    // Assistive technology clicks and cannot hold: there a click starts and another one ends.
    this.#button.addEventListener("click", (event) => {
      if (event.detail === 0) this.#wanted ? this.stop() : this.start();
    });
  }

  async start() {
    const attempt = this.current();
    if (!attempt || this.#wanted) return;
    this.#wanted = true;
    this.#show("on", "Opening your microphone …");
    try {
      this.#microphone ??= await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true } });
      if (!this.#wanted) return this.#silence();
      const watcher = this.watchers.of(attempt.worker ?? 0);
      this.#speaking = { watcher };
      await watcher.useMicrophone(this.#microphone.getAudioTracks()[0]);
      await this.watchers.connection.request("talk", { watcher: watcher.id, attempt: attempt.id, reason: "spoke to the student" });
      if (this.#wanted) this.#show("on", `${attempt.name} hears you.`);
    } catch (error) {
      this.#wanted = false;
      this.#show("off", `You cannot be heard: ${/** @type {Error} */ (error).message}`);
      this.#silence();
    }
  }

  stop() {
    if (!this.#wanted) return;
    this.#wanted = false;
    this.#show("off", "");
    this.#silence();
  }

  #silence() {
    const watcher = this.#speaking?.watcher;
    this.#speaking = null;
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    this.#microphone = null;
    if (!watcher) return;
    watcher.useMicrophone(null);
    if (watcher.id) this.watchers.connection.request("talk", { watcher: watcher.id, attempt: null }).catch(() => {});
  }

  /** @param {"on" | "off"} state @param {string} text */
  #show(state, text) {
    setAttribute(this.#button, "aria-pressed", state === "on" ? "true" : "false");
    this.say(text);
  }
}

/** @param {HTMLElement} element @param {string} text */
export function showState(element, text) {
  setText(element, text);
  element.hidden = !text;
}

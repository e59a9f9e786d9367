/**
 * What the browser itself tells about the session: tab, focus, full screen, clipboard, displays,
 * shortcut keys, developer tools, camera and microphone. Facts only; the server judges, then a person.
 * Never reads what is copied, pasted or typed.
 *
 * @typedef {Record<string, string | number | boolean>} Detail
 * @typedef {(kind: string, detail?: Detail) => void} Report
 */

const DEVTOOLS_EDGE_PX = 170;
const DEVTOOLS_LOOK_MS = 1_000;
const DISPLAYS_LOOK_MS = 5_000;

/** Keys that open tools, leave, print or save. Copy and paste have events of their own. */
const WATCHED = new Set([
  "f12", "printscreen", "ctrl+shift+i", "ctrl+shift+j", "ctrl+shift+c", "ctrl+u", "ctrl+p", "ctrl+s", "ctrl+f",
  "ctrl+t", "ctrl+n", "ctrl+shift+n", "ctrl+tab", "alt+tab", "meta+tab", "meta+shift+s",
]);

/** @param {KeyboardEvent} event @returns {string} e.g. "ctrl+shift+i" */
export function chord({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  const parts = [ctrlKey && "ctrl", metaKey && "meta", altKey && "alt", shiftKey && "shift"];
  return [...parts.filter(Boolean), key.toLowerCase()].join("+");
}

/** On a Mac the command key does what control does elsewhere. @param {string} keys */
export function isWatched(keys) {
  return WATCHED.has(keys) || WATCHED.has(keys.replace("meta", "ctrl"));
}

/** Starts with `connect`, ends with `disconnect`; both may be called twice. */
export class BrowserSignals {
  /** @type {AbortController | null} */ #listening = null;
  /** @type {number[]} */ #timers = [];
  #displays = 1;
  #devtools = false;
  #window = new WindowShare();
  /** @type {(ScreenDetails & EventTarget) | null} */ #screens = null;

  /** @param {Report} report */
  constructor(report) {
    this.report = report;
  }

  connect() {
    if (this.#listening) return;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    /** @param {EventTarget} target @param {string} name @param {(event: any) => void} handler */
    const listen = (target, name, handler) => target.addEventListener(name, handler, { signal, capture: true });
    listen(document, "visibilitychange", () => this.report(document.hidden ? "tab_hidden" : "tab_visible"));
    listen(window, "blur", (event) => event.target === window && this.report("window_blur"));
    listen(window, "focus", (event) => event.target === window && this.report("window_focus"));
    listen(document, "fullscreenchange", () =>
      this.report(document.fullscreenElement ? "fullscreen_entered" : "fullscreen_left"),
    );
    for (const kind of ["copy", "cut", "paste"]) listen(document, kind, () => this.report(kind));
    listen(window, "keydown", (event) => this.#key(event));
    this.#timers = [
      setInterval(() => this.#lookForDevtools(), DEVTOOLS_LOOK_MS),
      setInterval(() => this.#lookForDisplays(), DISPLAYS_LOOK_MS),
    ];
    this.#window = new WindowShare();
    this.#displays = 1;
    this.#lookForDisplays();
  }

  disconnect() {
    this.#listening?.abort();
    this.#listening = null;
    this.#timers.forEach(clearInterval);
  }

  /** Asks for leave to count displays exactly; needs a click. Without it, "more than one" is known. */
  async countDisplays() {
    if (!("getScreenDetails" in window)) return;
    try {
      this.#screens = await /** @type {any} */ (window).getScreenDetails();
    } catch {
      return; // Refused: `isExtended` still tells one from several.
    }
    this.#screens?.addEventListener("screenschange", () => this.#lookForDisplays());
    this.#lookForDisplays();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.repeat) return;
    const keys = chord(event);
    if (isWatched(keys)) this.report("shortcut", { keys });
  }

  #lookForDisplays() {
    const extended = /** @type {Screen & {isExtended?: boolean}} */ (screen).isExtended;
    const count = this.#screens?.screens.length ?? (extended ? 2 : 1);
    if (count === this.#displays) return;
    this.#displays = count;
    this.report("displays", { count });
  }

  #lookForDevtools() {
    if (document.hidden) return;
    const open = this.#window.lost() > DEVTOOLS_EDGE_PX;
    if (open === this.#devtools) return;
    this.#devtools = open;
    this.report(open ? "devtools_opened" : "devtools_closed");
  }
}

/**
 * How much of the window something other than the page has taken since the start: docked developer
 * tools, most likely. A guess, which is why it weighs little. Page zoom is allowed for.
 */
export class WindowShare {
  constructor() {
    this.zoom = innerWidth ? outerWidth / innerWidth : 1;
    this.ratio = devicePixelRatio;
    this.bars = outerHeight - innerHeight * this.zoom;
  }

  /** Pixels taken beside or below the page. */
  lost() {
    const zoom = (this.zoom * devicePixelRatio) / this.ratio;
    const beside = outerWidth - innerWidth * zoom;
    const below = outerHeight - innerHeight * zoom - this.bars;
    return Math.max(beside, below);
  }
}

/**
 * @typedef {object} ScreenDetails
 * @property {unknown[]} screens
 */

/** Watches the tracks that are sent: muted by the system, ended, swapped for another device. */
export class TrackSignals {
  /** @type {Map<string, MediaStreamTrack>} */ #tracks = new Map();
  /** @type {Map<string, AbortController>} */ #listening = new Map();

  /** @param {Report} report @param {(track: string) => void} onended */
  constructor(report, onended) {
    this.report = report;
    this.onended = onended;
  }

  /** @param {"camera" | "microphone" | "screen"} name @param {MediaStreamTrack} track */
  watch(name, track) {
    const before = this.#tracks.get(name);
    if (before === track) return;
    if (before && deviceOf(before) !== deviceOf(track)) {
      this.report("track_replaced", { track: name, label: track.label.slice(0, 120) });
    }
    this.#tracks.set(name, track);
    this.#listening.get(name)?.abort();
    const controller = new AbortController();
    this.#listening.set(name, controller);
    const options = { signal: controller.signal };
    track.addEventListener("mute", () => this.report("track_muted", { track: name }), options);
    track.addEventListener("unmute", () => this.report("track_unmuted", { track: name }), options);
    track.addEventListener("ended", () => this.#ended(name), options);
  }

  disconnect() {
    for (const controller of this.#listening.values()) controller.abort();
    this.#listening.clear();
    this.#tracks.clear();
  }

  /** @param {string} name */
  #ended(name) {
    this.report("track_ended", { track: name });
    this.onended(name);
  }
}

/** @param {MediaStreamTrack} track */
function deviceOf(track) {
  return track.getSettings().deviceId ?? track.label;
}

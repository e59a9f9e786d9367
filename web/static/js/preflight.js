/**
 * Checks before the start: each a row with a state and, where something is wrong, plain advice.
 * The path to the server is tested for real: by sending the very media the exam will use.
 *
 * @typedef {"waiting" | "checking" | "good" | "advice" | "problem"} CheckState
 * @typedef {"camera" | "microphone" | "screen" | "connection" | "light" | "face"} CheckName
 * @typedef {object} Check
 * @property {CheckName} name
 * @property {string} title
 * @property {CheckState} state
 * @property {string} text
 */

import { LevelMeter } from "./level.js";

const HEARD = 0.28;
/** Someone may not be able to speak, or not want to: silence is advice after so long, and no obstacle. */
const SILENCE_MS = 6_000;

/** @type {Record<CheckName, string>} */
const TITLES = {
  camera: "Camera",
  microphone: "Microphone",
  screen: "Screen",
  connection: "Connection to the exam",
  light: "Light",
  face: "Your face",
};

/** Without these there is no exam; the others are advice. @type {Set<CheckName>} */
const NEEDED = new Set(/** @type {CheckName[]} */ (["camera", "microphone", "screen", "connection"]));

/** @type {Set<CheckState>} */
const PASSES = new Set(/** @type {CheckState[]} */ (["good", "advice"]));

/** Fires `check` (detail Check), `level` (detail 0–1) and `ready` (detail boolean). */
export class Preflight extends EventTarget {
  /** @type {Map<CheckName, Check>} */ checks = new Map();
  /** @type {LevelMeter | null} */ #meter = null;
  #stop = [() => {}];
  #silence = 0;

  /**
   * @param {import("./protocol.js").Connection} connection
   * @param {import("./publisher.js").Publisher} publisher
   * @param {{screen: boolean}} needs
   */
  constructor(connection, publisher, { screen }) {
    super();
    this.connection = connection;
    this.publisher = publisher;
    for (const name of /** @type {CheckName[]} */ (Object.keys(TITLES))) {
      if (name === "screen" && !screen) continue;
      this.checks.set(name, { name, title: TITLES[name], state: "waiting", text: "" });
    }
    const onPublishing = () => this.#publishing();
    publisher.addEventListener("state", onPublishing);
    this.#stop = [
      () => publisher.removeEventListener("state", onPublishing),
      connection.on("seen", (seen) => this.#seen(seen)),
      connection.on("media", (media) => this.#media(media)),
    ];
  }

  get ready() {
    return [...this.checks.values()].every(({ name, state }) => PASSES.has(state) || !NEEDED.has(name));
  }

  /** @param {{camera?: string, microphone?: string}} [devices] */
  async run(devices = {}) {
    this.#set("camera", "checking", "Your browser asks whether this page may use camera and microphone. Choose Allow.");
    this.#set("microphone", "checking", "");
    try {
      const stream = await this.publisher.openDevices(devices);
      this.#camera(stream.getVideoTracks()[0]);
      await this.#listen(stream.getAudioTracks()[0]);
    } catch (error) {
      this.#refused(/** @type {DOMException} */ (error));
      return;
    }
    this.#set("connection", "checking", "Sending your picture and sound to the exam …");
    this.publisher.publish();
  }

  /** Needs a click. */
  async shareScreen() {
    try {
      const track = await this.publisher.openScreen();
      const surface = track.getSettings().displaySurface;
      if (surface && surface !== "monitor") {
        this.#set("screen", "problem", "You shared a window or a tab. Share again and choose your entire screen.");
      } else {
        this.#set("screen", "good", "Your screen is shared.");
      }
    } catch {
      this.#set("screen", "problem", "This exam needs your screen. Choose Share screen and allow it.");
    }
  }

  async close() {
    for (const stop of this.#stop) stop();
    clearTimeout(this.#silence);
    await this.#meter?.close();
  }

  /** @param {MediaStreamTrack} track */
  #camera(track) {
    const { width = 0, height = 0 } = track.getSettings();
    const small = width && width < 480;
    const text = small
      ? `Your camera gives only ${width} by ${height} pixels. Choose another one if you can.`
      : "Your camera works.";
    this.#set("camera", "good", text);
  }

  /** @param {MediaStreamTrack} track */
  async #listen(track) {
    await this.#meter?.close();
    this.#set("microphone", "checking", "Say a few words, so that the bar moves.");
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#silent(), SILENCE_MS);
    this.#meter = new LevelMeter(track, (level) => {
      this.dispatchEvent(new CustomEvent("level", { detail: level }));
      const heard = this.checks.get("microphone")?.state === "good";
      if (level > HEARD && !heard) this.#set("microphone", "good", "We can hear you.");
    });
  }

  #silent() {
    if (this.checks.get("microphone")?.state !== "checking") return;
    this.#set("microphone", "advice", "We hear nothing yet. Say a few words; if the bar stays empty, the microphone may be muted.");
  }

  /** @param {DOMException} error */
  #refused(error) {
    const text = ADVICE[error.name] ?? `The browser could not open camera and microphone (${error.name}).`;
    this.#set("camera", "problem", text);
    this.#set("microphone", "problem", "Opens together with the camera.");
  }

  #publishing() {
    const { state } = this.publisher;
    if (state === "connecting") this.#set("connection", "checking", "Connecting …");
    if (state === "connected") this.#set("connection", "checking", "Connected. Waiting for the first picture to arrive …");
    if (state === "lost") this.#set("connection", "problem", LOST);
  }

  /** @param {import("./types").MediaState} media */
  #media({ state }) {
    if (state === "live") this.#set("connection", "good", "Your picture and sound arrive.");
    if (state === "stalled") this.#set("connection", "problem", LOST);
  }

  /** @param {import("./types").Seen} seen */
  #seen({ face, light }) {
    // Something was seen, so the path works, whatever `media` has said so far.
    if (face !== "unknown" || light !== "unknown") {
      if (this.checks.get("connection")?.state === "checking") {
        this.#set("connection", "good", "Your picture and sound arrive.");
      }
    }
    if (light === "ok") this.#set("light", "good", "There is enough light.");
    if (light === "dark") this.#set("light", "advice", "It is dark. Turn on a lamp in front of you, or face a window.");
    if (face === "one") this.#set("face", "good", "One face is in the picture.");
    if (face === "none") this.#set("face", "advice", "We see no face. Sit in the middle of the picture.");
    if (face === "several") this.#set("face", "advice", "We see more than one face. Please be alone in the picture.");
  }

  /** @param {CheckName} name @param {CheckState} state @param {string} text */
  #set(name, state, text) {
    const check = this.checks.get(name);
    if (!check || (check.state === state && check.text === text)) return;
    Object.assign(check, { state, text });
    this.dispatchEvent(new CustomEvent("check", { detail: check }));
    this.dispatchEvent(new CustomEvent("ready", { detail: this.ready }));
  }
}

const LOST =
  "Your picture does not reach the exam. We keep trying. If this stays: leave VPN or guest networks, or use another network.";

/** @type {Record<string, string>} DOMException name -> what to do */
const ADVICE = {
  NotAllowedError:
    "The page may not use your camera. Click the camera sign in the address bar, choose Allow, then Try again.",
  NotFoundError: "No camera or no microphone was found. Plug one in, then Try again.",
  NotReadableError: "Another program uses the camera. Close it (a video call, perhaps), then Try again.",
  OverconstrainedError: "The chosen camera is gone. Choose another one.",
};

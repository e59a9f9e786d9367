/**
 * The student's page: consent, preflight, the exam, the end. Which step is shown follows from the
 * server's word on the attempt and from what was checked here.
 */

import { ask } from "../dialogs.js";
import { byId, pageData, setAttribute, setText } from "../dom.js";
import { Preflight } from "../preflight.js";
import { Connection } from "../protocol.js";
import { Publisher } from "../publisher.js";
import { BrowserSignals, TrackSignals } from "../signals.js";
import { duration, wallClock } from "../time.js";
import { addLine, setUpChat } from "./chat.js";
import { setUpChecks } from "./checks.js";
import { setUpConsent } from "./consent.js";
import { setUpEnrolment } from "./enrol.js";
import { showSeen } from "./seen.js";
import { Steps } from "./steps.js";
import { setUpTalkback } from "./talkback.js";
import { Timer } from "./timer.js";
import { Warnings } from "./warnings.js";

/** @typedef {import("../types").AttemptState} AttemptState */
/** @typedef {import("../types").StudentExam} StudentExam */

class StudentSession {
  connection = new Connection(pageData().socket);
  publisher = new Publisher(this.connection);
  steps = new Steps();
  timer = new Timer(this.connection);
  warnings = new Warnings(this.connection);
  /** @type {Preflight | null} */ preflight = null;
  /** @type {StudentExam | null} */ exam = null;
  /** @type {AttemptState | null} */ attempt = null;
  #checked = false;
  #endedText = "";
  #reopening = false;

  signals = new BrowserSignals((kind, detail) => this.#report(kind, detail));
  tracks = new TrackSignals(
    (kind, detail) => this.#report(kind, detail),
    (name) => name !== "screen" && this.#reopen(),
  );
  enrolment = setUpEnrolment(this.connection, () => this.#start());

  constructor() {
    setUpConsent(this.connection, this.steps, (given) => this.#consented(given));
    setUpChat(this.connection);
    setUpTalkback(this.connection, this.publisher);
    this.connection.on("welcome", ({ exam, attempt, ice_servers }) => {
      this.exam = exam;
      this.publisher.iceServers = ice_servers ?? [];
      this.#update(attempt);
    });
    this.connection.on("attempt", ({ attempt }) => this.#update(attempt));
    this.connection.on("content", ({ html }) => this.#showContent(html ?? null));
    this.connection.on("seen", showSeen);
    this.connection.on("intervention", (message) => this.#told(message));
    this.connection.on("bye", ({ reason, reconnect }) => !reconnect && this.#sentAway(reason));
    this.connection.onState((state) => this.#showLink(state));
    this.publisher.addEventListener("state", () => this.#showLink(this.connection.state));
    this.#setUpButtons();
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#devicesChanged());
  }

  #setUpButtons() {
    byId("hand").addEventListener("click", () => {
      this.connection.request("hand", { raised: !this.attempt?.hand_raised }).catch(() => {});
    });
    byId("fullscreen").addEventListener("click", () => document.documentElement.requestFullscreen());
    byId("hand-in").addEventListener("click", () => this.#handIn());
    document.addEventListener("fullscreenchange", () => this.#showFullscreen());
  }

  /** @param {AttemptState} attempt */
  #update(attempt) {
    const before = this.attempt?.status;
    this.attempt = attempt;
    this.timer.set(attempt);
    this.warnings.add(attempt.unacknowledged ?? []);
    const hand = byId("hand");
    setAttribute(hand, "aria-pressed", attempt.hand_raised ? "true" : "false");
    setText(hand, attempt.hand_raised ? "Lower hand" : "Raise hand");
    this.#showPause(attempt);
    if (before !== attempt.status || this.steps.current === "loading") this.#go(attempt);
  }

  /** @param {AttemptState} attempt */
  #go({ status, consented, enrolled }) {
    if (status === "terminated" || status === "complete") return this.#over(status);
    if (status !== "none") return this.#enterExam();
    if (!consented) return this.steps.show("consent");
    if (!this.#checked) return this.#showPreflight();
    this.steps.show("enrol");
    byId("enrol-video", HTMLVideoElement).srcObject = this.publisher.stream;
    if (enrolled) this.enrolment.skip();
  }

  /** @param {boolean} given */
  #consented(given) {
    if (!this.attempt) return;
    this.attempt = { ...this.attempt, consented: given };
    if (given) this.#go(this.attempt);
  }

  #showPreflight() {
    if (!this.preflight) {
      this.preflight = new Preflight(this.connection, this.publisher, { screen: Boolean(this.exam?.screen) });
      setUpChecks(this.preflight, this.publisher, () => this.#preflightDone());
    }
    this.steps.show("preflight");
  }

  #preflightDone() {
    this.#checked = true;
    if (this.attempt) this.#go(this.attempt);
  }

  async #start() {
    if (this.exam?.fullscreen && !document.fullscreenElement) {
      await document.documentElement.requestFullscreen().catch(() => {});
    }
    await this.connection.request("start");
  }

  async #enterExam() {
    this.steps.show("exam");
    await this.preflight?.close();
    this.preflight = null;
    this.signals.connect();
    this.#showFullscreen();
    if (!this.publisher.stream.getVideoTracks().length) await this.#reopen();
    this.#useTracks();
  }

  #useTracks() {
    const [camera] = this.publisher.stream.getVideoTracks();
    const [microphone] = this.publisher.stream.getAudioTracks();
    if (camera) this.tracks.watch("camera", camera);
    if (microphone) this.tracks.watch("microphone", microphone);
    if (this.publisher.screen) this.tracks.watch("screen", this.publisher.screen);
    byId("own-video", HTMLVideoElement).srcObject = this.publisher.stream;
  }

  /** After a reload, or when a device went away: open what there is and send it. */
  async #reopen() {
    if (this.#reopening) return;
    this.#reopening = true;
    try {
      await this.publisher.openDevices();
      this.publisher.publish();
      this.#useTracks();
    } catch (error) {
      const reason = /** @type {DOMException} */ (error).name;
      addLine({ who: "", text: `Camera or microphone cannot be opened (${reason}). Allow them in the address bar or plug them in; a proctor sees that they are off.`, at: this.connection.now(), side: "system" });
    }
    this.#reopening = false;
  }

  #devicesChanged() {
    const gone = this.publisher.stream.getTracks().some(({ readyState }) => readyState === "ended");
    const none = !this.publisher.stream.getTracks().length;
    if (this.steps.current === "exam" && (gone || none)) this.#reopen();
  }

  /** @param {string | null} html */
  #showContent(html) {
    const content = byId("content");
    if (html === null) return content.replaceChildren();
    // Made by the server from escaped text; see signaling/paper.py.
    content.innerHTML = html;
  }

  /** @param {AttemptState} attempt */
  #showPause({ status, pause_text }) {
    const paused = status === "paused";
    byId("content").hidden = paused;
    if (pause_text) setText(byId("pause-text"), pause_text);
    byId("pause").hidden = !paused;
  }

  /** @param {import("../types").InterventionMessage} message */
  #told({ action, text, at }) {
    if (action === "terminate") this.#endedText = text ?? "";
    if (action === "message" || action === "extend") {
      const said = text || (action === "extend" ? "You were given more time." : "");
      if (said) addLine({ who: "Proctor", text: said, at, side: "theirs" });
    }
  }

  async #handIn() {
    setText(byId("hand-in-left"), `You have ${duration(this.timer.left())} left.`);
    if ((await ask(byId("hand-in-dialog", HTMLDialogElement))) !== "yes") return;
    await this.connection.request("complete", {}, { keep: true }).catch((error) => {
      addLine({ who: "", text: error.message, at: this.connection.now(), side: "system" });
    });
  }

  /** @param {"terminated" | "complete"} status */
  #over(status) {
    const words =
      status === "complete"
        ? `It was handed in at ${wallClock(this.connection.now()).slice(0, 5)}. Nothing more is sent.`
        : `A proctor ended it. ${this.#endedText} If you think this is wrong, write to the people who invited you.`;
    this.#end("Your exam is over", words);
  }

  /** @param {string} reason */
  #sentAway(reason) {
    if (this.steps.current === "over") return;
    if (reason === "opened-elsewhere") {
      this.#end("Your exam is open in another tab", "It goes on there. This page sends nothing any more.");
    } else {
      this.#end("This page cannot go on", `Reload it to try again (${reason}).`);
    }
  }

  /** @param {string} title @param {string} words */
  #end(title, words) {
    setText(byId("over-title"), title);
    setText(byId("over-text"), words);
    this.signals.disconnect();
    this.tracks.disconnect();
    this.publisher.close();
    byId("talk-banner").hidden = true;
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    this.steps.show("over");
  }

  /** @param {import("../protocol.js").LinkState} state */
  #showLink(state) {
    const started = this.attempt !== null && this.steps.current !== "over";
    const socketLost = state === "waiting" || state === "connecting";
    const mediaLost = this.steps.current === "exam" && this.publisher.state === "lost";
    byId("link-banner").hidden = !started || (!socketLost && !mediaLost);
    setText(byId("link-banner-text"), socketLost ? LINK_LOST : MEDIA_LOST);
  }

  #showFullscreen() {
    byId("fullscreen").hidden = !this.exam?.fullscreen || document.fullscreenElement !== null;
  }

  /** @param {string} kind @param {import("../signals.js").Detail} [detail] */
  #report(kind, detail = {}) {
    if (this.steps.current !== "exam") return;
    this.connection.request("signal", { kind, detail }, { keep: true }).catch(() => {});
  }
}

const LINK_LOST = "The connection to the exam was lost. Stay on this page: we keep trying.";
const MEDIA_LOST = "Your picture does not reach the proctor. Stay on this page: we keep trying. You can go on working.";

new StudentSession().connection.open();

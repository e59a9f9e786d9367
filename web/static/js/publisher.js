/**
 * Sends the student's camera (main and low), microphone and screen to the server, and keeps doing so:
 * whatever breaks is answered with a new peer connection under the same attempt.
 *
 * @typedef {"new" | "connecting" | "connected" | "lost"} PublishState
 * @typedef {import("./types").PublishRole} PublishRole
 */

import { completeOffer, superviseConnection } from "./peer.js";

export const CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 15, max: 15 } };
const MICROPHONE = { echoCancellation: true, noiseSuppression: false, autoGainControl: true };
const SCREEN = { frameRate: { ideal: 5, max: 5 }, width: { max: 1280 }, height: { max: 800 } };
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5_000;
const CONNECTING_MS = 12_000;

/** @type {Record<"main" | "low" | "screen", RTCRtpEncodingParameters>} */
const ENCODINGS = {
  main: { maxBitrate: 600_000, maxFramerate: 15 },
  low: { maxBitrate: 60_000, maxFramerate: 5, scaleResolutionDownBy: 4 },
  screen: { maxBitrate: 600_000, maxFramerate: 5 },
};

/** Fires `state` (detail PublishState) and `talkback` (detail MediaStream: what a proctor says). */
export class Publisher extends EventTarget {
  /** @type {MediaStream} */ stream = new MediaStream();
  /** @type {MediaStreamTrack | null} */ screen = null;
  /** @type {RTCPeerConnection | null} */ #peer = null;
  /** @type {MediaStreamTrack | null} */ #low = null;
  /** @type {RTCIceServer[]} */ iceServers = [];
  /** @type {PublishState} */ #state = "new";
  #tries = 0;
  #timer = 0;
  #round = 0;
  #wanted = false;
  /** @type {(() => void)[]} */ #stopListening = [];

  /** @param {import("./protocol.js").Connection} connection */
  constructor(connection) {
    super();
    this.connection = connection;
    this.#stopListening = [
      connection.on("media", ({ state }) => {
        if (state === "republish") this.#again(0);
      }),
      connection.onState((state) => {
        if (state === "open" && this.#state === "lost") this.#again(0);
      }),
    ];
  }

  get state() {
    return this.#state;
  }

  /**
   * Opens camera and microphone. Rejects with the browser's DOMException.
   * @param {{camera?: string, microphone?: string}} [devices] device ids
   */
  async openDevices({ camera, microphone } = {}) {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: camera ? { ...CAMERA, deviceId: { exact: camera } } : CAMERA,
      audio: microphone ? { ...MICROPHONE, deviceId: { exact: microphone } } : MICROPHONE,
    });
    const replaced = this.stream;
    this.stream = stream;
    this.#low?.stop();
    this.#low = stream.getVideoTracks()[0].clone();
    for (const track of replaced.getTracks()) track.stop();
    if (this.#wanted) this.#again(0);
    return stream;
  }

  /** Asks the person for a screen. Rejects with the browser's DOMException. */
  async openScreen() {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: SCREEN, audio: false });
    this.screen?.stop();
    this.screen = stream.getVideoTracks()[0];
    if (this.#wanted) this.#again(0);
    return this.screen;
  }

  /** Sends from now on, until `close`. */
  publish() {
    this.#wanted = true;
    this.#again(0);
  }

  /** @param {boolean} stopDevices also lets go of camera, microphone and screen */
  close(stopDevices = true) {
    this.#wanted = false;
    this.#round++;
    clearTimeout(this.#timer);
    this.#peer?.close();
    this.#peer = null;
    for (const stop of this.#stopListening) stop();
    if (!stopDevices) return;
    for (const track of [...this.stream.getTracks(), this.#low, this.screen]) track?.stop();
  }

  /** @returns {Promise<RTCStatsReport | undefined>} */
  stats() {
    return this.#peer?.getStats() ?? Promise.resolve(undefined);
  }

  /** @param {number} wait milliseconds */
  #again(wait) {
    if (!this.#wanted) return;
    clearTimeout(this.#timer);
    this.#round++;
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #retry() {
    this.#setState("lost");
    this.#again(Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#tries++));
  }

  async #connect() {
    const round = ++this.#round;
    // Without a socket there is nobody to offer to; its return calls again.
    if (this.connection.state !== "open") return this.#setState("lost");
    this.#setState("connecting");
    this.#peer?.close();
    const peer = (this.#peer = new RTCPeerConnection({ iceServers: this.iceServers }));
    const current = () => round === this.#round && this.#wanted;
    superviseConnection(peer, {
      connected: () => current() && this.#connected(),
      lost: () => current() && this.#retry(),
    });
    try {
      const roles = this.#addTracks(peer);
      const sdp = await completeOffer(peer);
      if (!current()) return;
      const answer = await this.connection.request("publish", { sdp, tracks: trackNames(roles) });
      if (!current()) return;
      await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
      await keepResolution(roles.get("main"));
      setTimeout(() => current() && peer.connectionState !== "connected" && this.#retry(), CONNECTING_MS);
    } catch (error) {
      if (!current()) return;
      console.warn("publishing failed", error);
      this.#retry();
    }
  }

  #connected() {
    this.#tries = 0;
    this.#setState("connected");
  }

  /** @param {RTCPeerConnection} peer @returns {Map<PublishRole, RTCRtpTransceiver>} */
  #addTracks(peer) {
    /** @type {Map<PublishRole, RTCRtpTransceiver>} */
    const roles = new Map();
    const [camera] = this.stream.getVideoTracks();
    const [microphone] = this.stream.getAudioTracks();
    /** @param {"main" | "low" | "screen"} role @param {MediaStreamTrack | null | undefined} track */
    const send = (role, track) => {
      if (!track || track.readyState === "ended") return;
      const sendEncodings = [ENCODINGS[role]];
      roles.set(role, peer.addTransceiver(track, { direction: "sendonly", sendEncodings }));
    };
    send("main", camera);
    send("low", this.#low);
    if (microphone) roles.set("audio", peer.addTransceiver(microphone, { direction: "sendrecv" }));
    send("screen", this.screen);
    peer.addEventListener("track", ({ track }) => {
      if (track.kind !== "audio") return;
      this.dispatchEvent(new CustomEvent("talkback", { detail: new MediaStream([track]) }));
    });
    return roles;
  }

  /** @param {PublishState} state */
  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}

/** @param {Map<PublishRole, RTCRtpTransceiver>} roles @returns {Record<string, PublishRole>} mid -> role */
function trackNames(roles) {
  return Object.fromEntries([...roles].map(([role, { mid }]) => [mid ?? "", role]));
}

/** A busy machine should drop frames, not pixels: 320x240 is too little to recognise a face.
 * @param {RTCRtpTransceiver | undefined} transceiver */
async function keepResolution(transceiver) {
  if (!transceiver) return;
  const parameters = /** @type {RTCRtpSendParameters & {degradationPreference?: string}} */ (
    transceiver.sender.getParameters()
  );
  parameters.degradationPreference = "maintain-resolution";
  await transceiver.sender.setParameters(parameters);
}

/**
 * A proctor's side of the media plane: one peer connection to each media process, with slots agreed
 * beforehand. What a slot shows changes by message; the connection stays.
 *
 * @typedef {import("./types").WatchRole} WatchRole
 * @typedef {import("./types").Mapping} Mapping
 * @typedef {"wall" | "focus" | "screen" | "audio"} SlotPurpose
 */

import { completeOffer, superviseConnection } from "./peer.js";

const RETRY_MS = 1_500;
/** The focus picture waits this long (ms) for its overlay: analysis answers after the frame has passed. */
const FOCUS_BUFFER_MS = 250;

/** One pre-negotiated place for a track. Outlives its connection: after a reconnect it is filled again. */
export class Slot {
  mid = "";
  /** @type {string | null} */ attempt = null;
  /** @type {WatchRole | null} */ track = null;
  /** @type {Mapping | null} */ mapping = null;
  stream = new MediaStream();
  /** @type {(() => void) | null} called when `stream` was replaced */ onstream = null;
  /** @type {(() => void) | null} called when `mapping` changed */ onmapping = null;

  /** @param {SlotPurpose} purpose */
  constructor(purpose) {
    this.purpose = purpose;
  }

  get kind() {
    return this.purpose === "audio" ? "audio" : "video";
  }
}

/** The connection to one media process. */
export class Watcher {
  /** @type {Slot[]} */ slots;
  /** @type {RTCPeerConnection | null} */ #peer = null;
  /** @type {RTCRtpSender | null} */ #talkSender = null;
  /** @type {string} the server's name for this connection; empty while there is none */ id = "";
  #closed = false;
  #timer = 0;
  #round = 0;

  /**
   * @param {import("./protocol.js").Connection} connection
   * @param {number} worker
   * @param {number} wallSlots
   * @param {RTCIceServer[]} iceServers
   */
  constructor(connection, worker, wallSlots, iceServers) {
    this.connection = connection;
    this.worker = worker;
    this.iceServers = iceServers;
    this.slots = Array.from({ length: wallSlots }, () => new Slot("wall"));
    this.slots.push(new Slot("focus"), new Slot("screen"), new Slot("audio"));
  }

  /** (Re)connects; what was attached is attached again. */
  async open() {
    if (this.#closed || this.connection.state !== "open") return;
    const round = ++this.#round;
    clearTimeout(this.#timer);
    this.#abandon();
    const peer = (this.#peer = new RTCPeerConnection({ iceServers: this.iceServers }));
    superviseConnection(peer, {
      connected: () => {},
      lost: () => round === this.#round && this.#retry(),
    });
    try {
      await this.#negotiate(peer, round);
    } catch (error) {
      console.warn("watching failed", error);
      if (round === this.#round) this.#retry();
    }
  }

  close() {
    this.#closed = true;
    this.#round++;
    clearTimeout(this.#timer);
    this.#abandon();
  }

  /** @param {Slot} slot @param {string} attempt @param {WatchRole} track */
  attach(slot, attempt, track) {
    if (slot.attempt === attempt && slot.track === track) return;
    slot.attempt = attempt;
    slot.track = track;
    slot.mapping = null;
    this.#attach(slot);
  }

  /** Ask again for what should be there: the first asking may have met a process that was just starting. @param {Slot} slot */
  nudge(slot) {
    if (slot.attempt) this.#attach(slot);
  }

  /** @param {Slot} slot */
  detach(slot) {
    if (!slot.attempt) return;
    slot.attempt = slot.track = slot.mapping = null;
    slot.onmapping = null;
    if (this.id) this.#send("detach", { watcher: this.id, mid: slot.mid });
  }

  /** @param {Mapping} mapping */
  map(mapping) {
    const slot = this.slots.find(({ mid }) => mid === mapping.mid);
    if (slot?.attempt !== mapping.attempt) return;
    slot.mapping = mapping;
    slot.onmapping?.();
  }

  /** Speak with this microphone from now on (null: silence). @param {MediaStreamTrack | null} track */
  async useMicrophone(track) {
    await this.#talkSender?.replaceTrack(track);
  }

  stats() {
    return this.#peer?.getStats() ?? Promise.resolve(undefined);
  }

  /** @param {RTCPeerConnection} peer @param {number} round */
  async #negotiate(peer, round) {
    const transceivers = this.slots.map(({ kind }) => peer.addTransceiver(kind, { direction: "recvonly" }));
    const talk = peer.addTransceiver("audio", { direction: "sendonly" });
    const sdp = await completeOffer(peer);
    const answer = await this.connection.request("watch", {
      worker: this.worker,
      sdp,
      talk_mid: talk.mid,
      together: this.#together(transceivers),
    });
    if (round !== this.#round) return void this.#send("unwatch", { watcher: answer.watcher });
    this.id = answer.watcher;
    this.#talkSender = talk.sender;
    this.slots.forEach((slot, index) => this.#renew(slot, transceivers[index]));
    await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    for (const slot of this.slots) if (slot.attempt) this.#attach(slot);
  }

  /** The focus picture and the sound heard with it, by mid: kept in step. @param {RTCRtpTransceiver[]} transceivers */
  #together(transceivers) {
    const mid = (/** @type {string} */ purpose) =>
      transceivers[this.slots.findIndex((slot) => slot.purpose === purpose)].mid ?? "";
    return { [mid("audio")]: mid("focus") };
  }

  /** @param {Slot} slot @param {RTCRtpTransceiver} transceiver */
  #renew(slot, transceiver) {
    slot.mid = transceiver.mid ?? "";
    slot.mapping = null;
    slot.stream = new MediaStream([transceiver.receiver.track]);
    if (slot.purpose === "focus" && "jitterBufferTarget" in transceiver.receiver) {
      transceiver.receiver.jitterBufferTarget = FOCUS_BUFFER_MS;
    }
    slot.onstream?.();
  }

  /** @param {Slot} slot */
  #attach({ mid, attempt, track }) {
    if (this.id) this.#send("attach", { watcher: this.id, mid, attempt, track });
  }

  /** What fails here is told by the tile's state; nobody waits for it. @param {string} type @param {object} fields */
  #send(type, fields) {
    this.connection.request(type, fields).catch((error) => console.info(`${type}: ${error.message}`));
  }

  #abandon() {
    if (this.id && this.connection.state === "open") this.#send("unwatch", { watcher: this.id });
    this.id = "";
    this.#peer?.close();
    this.#peer = null;
  }

  #retry() {
    this.id = "";
    this.#timer = setTimeout(() => this.open(), RETRY_MS);
  }
}

/** All connections of one proctor, opened where something is to be seen. */
export class Watchers {
  /** @type {Map<number, Watcher>} */ #watchers = new Map();
  /** @type {RTCIceServer[]} */ iceServers = [];

  /** @param {import("./protocol.js").Connection} connection @param {number} wallSlots a media process */
  constructor(connection, wallSlots) {
    this.connection = connection;
    this.wallSlots = wallSlots;
    connection.on("welcome", ({ ice_servers }) => this.#reopen(ice_servers ?? []));
    connection.on("mapping", (mapping) => this.#named(mapping.watcher)?.map(mapping));
    connection.on("worker", ({ worker, state }) => {
      if (state === "up") this.#watchers.get(worker)?.open();
    });
  }

  /** @param {number} worker @returns {Watcher} */
  of(worker) {
    let watcher = this.#watchers.get(worker);
    if (!watcher) {
      watcher = new Watcher(this.connection, worker, this.wallSlots, this.iceServers);
      this.#watchers.set(worker, watcher);
      watcher.open();
    }
    return watcher;
  }

  /**
   * A free slot, already attached.
   * @param {number} worker @param {SlotPurpose} purpose @param {string} attempt @param {WatchRole} track
   * @returns {Lease | null} null: all are taken
   */
  claim(worker, purpose, attempt, track) {
    const watcher = this.of(worker);
    const slot = watcher.slots.find((one) => one.purpose === purpose && !one.attempt);
    if (!slot) return null;
    watcher.attach(slot, attempt, track);
    return new Lease(watcher, slot);
  }

  close() {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** The server forgets watchers with their socket: a new socket, new connections. @param {RTCIceServer[]} iceServers */
  #reopen(iceServers) {
    this.iceServers = iceServers;
    for (const watcher of this.#watchers.values()) {
      watcher.id = "";
      watcher.iceServers = iceServers;
      watcher.open();
    }
  }

  /** @param {string} id */
  #named(id) {
    return [...this.#watchers.values()].find((watcher) => watcher.id === id);
  }
}

/** The right to a slot until `release`, which may be called twice. */
export class Lease {
  #released = false;

  /** @param {Watcher} watcher @param {Slot} slot */
  constructor(watcher, slot) {
    this.watcher = watcher;
    this.slot = slot;
  }

  /** @param {WatchRole} track */
  switchTo(track) {
    if (this.slot.attempt) this.watcher.attach(this.slot, this.slot.attempt, track);
  }

  /**
   * Plays the slot in an element, also after reconnects.
   * @param {HTMLMediaElement} element
   */
  playIn(element) {
    const play = () => {
      element.srcObject = this.slot.stream;
      // Refused only while the tab is in the background or has not been touched; it then plays on its own.
      element.play().catch(() => {});
    };
    this.slot.onstream = play;
    play();
  }

  nudge() {
    this.watcher.nudge(this.slot);
  }

  release() {
    if (this.#released) return;
    this.#released = true;
    this.slot.onstream = null;
    this.watcher.detach(this.slot);
  }
}

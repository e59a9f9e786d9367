/**
 * The wire: one WebSocket, requests with ids, resume, heartbeat, reconnect with back-off.
 * Knows no page. `docs/protocol.md` has the messages.
 *
 * @typedef {import("./types").ServerMessages} ServerMessages
 * @typedef {import("./types").ServerMessage} ServerMessage
 * @typedef {"connecting" | "open" | "waiting" | "closed"} LinkState
 */

const PROTOCOL = 1;
const PING_MS = 5_000;
const SILENCE_MS = 15_000;
const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 8_000;
const ANSWER_MS = 20_000;
const KEPT_AT_MOST = 200;

/** The server said no, and changed nothing. `id` is stable, `message` is a sentence for people. */
export class Problem extends Error {
  /** @param {string} id @param {string} title */
  constructor(id, title) {
    super(title);
    this.name = "Problem";
    this.id = id;
  }
}

/** The socket closed before the answer came; whether the request was carried out is unknown. */
export class Disconnected extends Error {
  constructor() {
    super("The connection to the server was lost.");
    this.name = "Disconnected";
  }
}

/**
 * @typedef {object} Pending
 * @property {string} text
 * @property {boolean} keep  sent again after a reconnect, until it is answered
 * @property {(message: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {number} timer
 */

export class Connection {
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {Map<string, Set<(message: any) => void>>} */ #handlers = new Map();
  /** @type {Set<(state: LinkState) => void>} */ #watchers = new Set();
  /** @type {Map<number, Pending>} */ #pending = new Map();
  #nextId = 1;
  #attempts = 0;
  #heardAt = 0;
  /** @type {number | undefined} */ #retryTimer;
  /** @type {number | undefined} */ #pingTimer;
  /** @type {number | null} */ #lastSeq = null;
  /** @type {LinkState} */ #state = "closed";
  #stopped = true;
  /** Seconds to add to this machine's clock to get the server's. */
  clockOffset = 0;
  #bestRoundTrip = Infinity;

  /** @param {string} path e.g. "/ws/attempts/a1" */
  constructor(path) {
    const url = new URL(path, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.url = url.href;
  }

  get state() {
    return this.#state;
  }

  /** UNIX seconds by the server's clock. */
  now() {
    return Date.now() / 1000 + this.clockOffset;
  }

  open() {
    this.#stopped = false;
    addEventListener("online", this.#hurry);
    this.#connect();
  }

  close() {
    this.#stopped = true;
    removeEventListener("online", this.#hurry);
    clearTimeout(this.#retryTimer);
    this.#drop();
    this.#socket?.close(1000);
    this.#setState("closed");
  }

  /**
   * @template {keyof ServerMessages} T
   * @param {T} type
   * @param {(message: ServerMessages[T]) => void} handler
   * @returns {() => void} stops listening
   */
  on(type, handler) {
    const handlers = this.#handlers.get(type) ?? new Set();
    this.#handlers.set(type, handlers.add(handler));
    return () => void handlers.delete(handler);
  }

  /**
   * @param {(state: LinkState) => void} handler called at once with the state, then at every change
   * @returns {() => void} stops listening
   */
  onState(handler) {
    this.#watchers.add(handler);
    handler(this.#state);
    return () => void this.#watchers.delete(handler);
  }

  /**
   * Ask for something. Rejects with Problem (the server refused) or Disconnected.
   * @template {string} T
   * @param {T} type
   * @param {object} [fields]
   * @param {{keep?: boolean}} [options] keep: wait for a connection, and ask again after a reconnect
   * @returns {Promise<import("./types").AnswerOf<T>>}
   */
  request(type, fields = {}, { keep = false } = {}) {
    if (this.#state !== "open" && !keep) return Promise.reject(new Disconnected());
    if (this.#pending.size >= KEPT_AT_MOST) return Promise.reject(new Disconnected());
    const id = this.#nextId++;
    const text = JSON.stringify({ type, id, ...fields });
    return new Promise((resolve, reject) => {
      const timer = keep ? 0 : setTimeout(() => this.#settle(id, new Disconnected()), ANSWER_MS);
      this.#pending.set(id, { text, keep, resolve, reject, timer });
      if (this.#state === "open") this.#socket?.send(text);
    });
  }

  #hurry = () => {
    if (this.#state !== "waiting") return;
    clearTimeout(this.#retryTimer);
    this.#connect();
  };

  #connect() {
    this.#setState("connecting");
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#heardAt = performance.now();
    socket.onopen = () => {
      const resume = this.#lastSeq === null ? {} : { resume: this.#lastSeq };
      socket.send(JSON.stringify({ type: "hello", protocol: PROTOCOL, ...resume }));
    };
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#receive(JSON.parse(data));
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#retry();
    };
    clearInterval(this.#pingTimer);
    this.#pingTimer = setInterval(() => this.#beat(socket), PING_MS);
  }

  /** @param {WebSocket} socket */
  #beat(socket) {
    if (performance.now() - this.#heardAt > SILENCE_MS) {
      // A dead network never says goodbye: close() alone would wait for an answer.
      socket.onclose = null;
      socket.close();
      this.#retry();
    } else if (socket.readyState === WebSocket.OPEN && this.#state === "open") {
      socket.send(JSON.stringify({ type: "ping", t: Date.now() / 1000 }));
    }
  }

  #retry() {
    this.#drop();
    if (this.#stopped) return;
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempts++);
    this.#setState("waiting");
    // Half of it random, so that a hundred pages do not return in one instant.
    this.#retryTimer = setTimeout(() => this.#connect(), wait * (0.5 + Math.random() / 2));
  }

  /** Reject what waits for an answer, save what is kept for the next connection. */
  #drop() {
    clearInterval(this.#pingTimer);
    for (const [id, { keep }] of this.#pending) {
      if (!keep || this.#stopped) this.#settle(id, new Disconnected());
    }
  }

  /** @param {any} message */
  #receive(message) {
    this.#heardAt = performance.now();
    if (message.type === "pong") this.#setClock(message);
    // Of what lasts, each is heard once, also when a resumed socket tells it again.
    if (message.seq && message.type !== "welcome" && !this.#isNew(message.seq)) return;
    if (message.type === "welcome") this.#welcomed(message);
    if (message.type === "bye" && !message.reconnect) this.#stopped = true;
    if (message.re) this.#settle(message.re, message);
    for (const handler of this.#handlers.get(message.type) ?? []) handler(message);
    if (message.type === "bye" && this.#stopped) this.close();
  }

  /** @param {number} seq */
  #isNew(seq) {
    if (this.#lastSeq !== null && seq <= this.#lastSeq) return false;
    this.#lastSeq = seq;
    return true;
  }

  /** @param {{seq: number, now?: number, attempt?: {now: number}}} welcome */
  #welcomed(welcome) {
    this.#attempts = 0;
    this.#lastSeq ??= welcome.seq;
    const now = welcome.now ?? welcome.attempt?.now;
    if (now && this.#bestRoundTrip === Infinity) this.clockOffset = now - Date.now() / 1000;
    this.#setState("open");
    for (const { text } of this.#pending.values()) this.#socket?.send(text);
  }

  /** The offset of the quickest exchange is the truest. @param {import("./types").Pong} pong */
  #setClock({ t, now }) {
    if (!t || !now) return;
    const arrived = Date.now() / 1000;
    const roundTrip = arrived - t;
    if (roundTrip > this.#bestRoundTrip * 1.5) return;
    this.#bestRoundTrip = Math.min(roundTrip, this.#bestRoundTrip);
    this.clockOffset = now - (t + arrived) / 2;
  }

  /** @param {number} id @param {any} outcome */
  #settle(id, outcome) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (outcome instanceof Error) pending.reject(outcome);
    else if (outcome.type === "problem") pending.reject(new Problem(outcome.problem, outcome.title));
    else pending.resolve(outcome);
  }

  /** @param {LinkState} state */
  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    for (const handler of this.#watchers) handler(state);
  }
}

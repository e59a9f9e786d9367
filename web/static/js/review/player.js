/**
 * Plays a recording by the clock on the wall: everything outside speaks UNIX seconds. Afterwards it is one
 * seekable file; while the exam runs, the segments written so far, one after the other.
 *
 * @typedef {import("../types").Timeline} Timeline
 * @typedef {import("../types").Segment} Segment
 */

/** Fires `position` (detail: UNIX seconds) and `playing` (detail: boolean). */
export class Player extends EventTarget {
  /** @type {Segment[]} */ segments = [];
  /** @type {number | null} start of the whole file; null while segments are played */ #fileStart = null;
  /** @type {Segment | null} */ #segment = null;
  #url = "";
  #pendingSeek = 0;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    super();
    this.video = video;
    const tell = () => this.dispatchEvent(new CustomEvent("position", { detail: this.position }));
    for (const name of ["timeupdate", "seeked", "loadedmetadata"]) video.addEventListener(name, tell);
    const playing = () => this.dispatchEvent(new CustomEvent("playing", { detail: !video.paused }));
    for (const name of ["play", "pause"]) video.addEventListener(name, playing);
    video.addEventListener("ended", () => this.#next());
    video.addEventListener("loadedmetadata", () => (video.currentTime = this.#pendingSeek));
  }

  /** May be called again when there is more. @param {Timeline} timeline */
  load({ recording, segments }) {
    const before = this.position;
    this.segments = segments.filter(({ track }) => track === "main").sort((a, b) => a.started_at - b.started_at);
    const wasWhole = this.#fileStart !== null;
    this.#fileStart = recording ? recording.started_at : null;
    if (recording && !wasWhole) {
      this.#segment = null;
      this.#open(recording.url, Math.max(0, before - recording.started_at));
    } else if (!recording && !this.#segment && this.segments.length) {
      this.#openSegment(this.segments[0], 0);
    }
  }

  /** Of the first and the end of the last picture, in UNIX seconds; null where nothing was recorded. */
  get span() {
    if (!this.segments.length) return null;
    return { from: this.segments[0].started_at, to: this.segments[this.segments.length - 1].ended_at };
  }

  get position() {
    const start = this.#fileStart ?? this.#segment?.started_at ?? 0;
    return start + this.video.currentTime;
  }

  /** @param {number} at UNIX seconds; where nothing was recorded, the next picture after it */
  seek(at) {
    if (this.#fileStart !== null) {
      const to = Math.max(0, at - this.#fileStart);
      this.#pendingSeek = to;
      if (this.video.readyState > 0) this.video.currentTime = to;
      return;
    }
    const segment = this.segments.find(({ ended_at }) => ended_at > at) ?? this.segments[this.segments.length - 1];
    if (segment) this.#openSegment(segment, Math.max(0, at - segment.started_at));
  }

  toggle() {
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  /** @param {Segment} segment @param {number} offset seconds */
  #openSegment(segment, offset) {
    if (this.#segment === segment && this.video.readyState > 0) {
      this.video.currentTime = offset;
      return;
    }
    this.#segment = segment;
    this.#open(segment.url, offset);
  }

  /** @param {string} url @param {number} offset seconds */
  #open(url, offset) {
    this.#pendingSeek = offset;
    if (url === this.#url) return;
    const { paused, playbackRate } = this.video;
    this.#url = url;
    this.video.src = url;
    this.video.defaultPlaybackRate = this.video.playbackRate = playbackRate;
    if (!paused) this.video.play().catch(() => {});
  }

  #next() {
    const at = this.segments.findIndex(({ url }) => url === this.#segment?.url);
    if (this.#fileStart !== null || at < 0 || at + 1 >= this.segments.length) return;
    this.#openSegment(this.segments[at + 1], 0);
    this.video.play().catch(() => {});
  }
}

/**
 * Draws what the detectors saw over the frame they saw it in. Frames and overlays are matched by the
 * source's RTP timestamp: source = (frame's rtpTimestamp - rtp_offset) mod 2^32, at 90 kHz.
 *
 * @typedef {import("./types").Overlay} Overlay
 * @typedef {import("./types").Mapping} Mapping
 */

const MODULUS = 2 ** 32;
const RTP_HZ = 90_000;
const KEPT = 60;
/** An overlay older than this no longer belongs to the picture. */
export const STALE_S = 1;

/**
 * a - b of two 32-bit timestamps, across the wrap, in seconds of the 90 kHz clock.
 * @param {number} a @param {number} b
 */
export function rtpSeconds(a, b) {
  const difference = (((a - b) % MODULUS) + MODULUS) % MODULUS;
  return (difference < MODULUS / 2 ? difference : difference - MODULUS) / RTP_HZ;
}

/** @param {number} received @param {number} offset @returns {number} the timestamp the source gave the frame */
export function sourceTimestamp(received, offset) {
  return (((received - offset) % MODULUS) + MODULUS) % MODULUS;
}

/** The overlays of one attempt, the newest few seconds of them. */
export class OverlayBuffer {
  /** @type {Overlay[]} */ #overlays = [];

  /** @param {Overlay} overlay */
  add(overlay) {
    this.#overlays.push(overlay);
    if (this.#overlays.length > KEPT) this.#overlays.shift();
  }

  clear() {
    this.#overlays = [];
  }

  /**
   * The overlay nearest to a frame; null where none is near enough.
   * @param {number} rtp the source's timestamp of the frame
   * @param {number} [tolerance] seconds
   * @returns {Overlay | null}
   */
  nearest(rtp, tolerance = STALE_S) {
    let best = null;
    let distance = tolerance;
    for (const overlay of this.#overlays) {
      const apart = Math.abs(rtpSeconds(rtp, overlay.rtp));
      if (apart <= distance) [best, distance] = [overlay, apart];
    }
    return best;
  }
}

/**
 * Where the picture lies within an element of `object-fit: contain`.
 * @param {number} width @param {number} height of the element
 * @param {number} pictureWidth @param {number} pictureHeight
 */
export function containedPicture(width, height, pictureWidth, pictureHeight) {
  const scale = Math.min(width / pictureWidth, height / pictureHeight);
  const [w, h] = [pictureWidth * scale, pictureHeight * scale];
  return { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h };
}

/** @typedef {{boxes: boolean, points: boolean, gaze: boolean, labels: boolean}} Layers */

/** The canvas over one video. */
export class OverlayPainter {
  buffer = new OverlayBuffer();
  /** @type {Layers} */ layers = { boxes: true, points: true, gaze: true, labels: true };
  /** @type {Mapping | null} */ mapping = null;
  /** What is drawn now; for tests and for the curious. @type {Overlay | null} */ shown = null;
  #callback = 0;
  #running = false;

  /** @param {HTMLVideoElement} video @param {HTMLCanvasElement} canvas laid over it */
  constructor(video, canvas) {
    this.video = video;
    this.canvas = canvas;
    this.style = overlayStyle(canvas);
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#await();
  }

  stop() {
    this.#running = false;
    this.video.cancelVideoFrameCallback(this.#callback);
    this.buffer.clear();
    this.mapping = null;
    this.#draw(null);
  }

  #await() {
    this.#callback = this.video.requestVideoFrameCallback((_, frame) => {
      if (!this.#running) return;
      this.#draw(this.#overlayOf(frame.rtpTimestamp));
      this.#await();
    });
  }

  /** @param {number | undefined} received */
  #overlayOf(received) {
    // The annotated track has its boxes painted in already.
    if (received === undefined || !this.mapping || this.mapping.track === "annotated") return null;
    return this.buffer.nearest(sourceTimestamp(received, this.mapping.rtp_offset));
  }

  /** @param {Overlay | null} overlay */
  #draw(overlay) {
    if (!overlay && !this.shown) return;
    this.shown = overlay;
    const { canvas, video } = this;
    const scale = devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== width * scale || canvas.height !== height * scale) {
      canvas.width = width * scale;
      canvas.height = height * scale;
    }
    const context = canvas.getContext("2d");
    if (!context) return;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!overlay || !video.videoWidth) return;
    const picture = containedPicture(width, height, video.videoWidth, video.videoHeight);
    paint(context, overlay, picture, this.layers, this.style);
  }
}

/** @param {Element} element */
function overlayStyle(element) {
  const style = getComputedStyle(element);
  const read = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    line: read("--overlay-line") || "white",
    alert: read("--overlay-alert") || "red",
    ink: read("--overlay-ink") || "black",
    font: `500 12px ${style.fontFamily}`,
  };
}

/** Labels that are nothing to worry about; every other one is drawn in the alert's colour. */
const ORDINARY = new Set(["face", "person", "student", "head"]);

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Overlay} overlay
 * @param {{x: number, y: number, width: number, height: number}} picture
 * @param {Layers} layers
 * @param {ReturnType<typeof overlayStyle>} style
 */
function paint(context, overlay, picture, layers, style) {
  const x = (/** @type {number} */ part) => picture.x + part * picture.width;
  const y = (/** @type {number} */ part) => picture.y + part * picture.height;
  if (layers.points && overlay.points) {
    context.fillStyle = style.line;
    context.globalAlpha = 0.75;
    for (const [px, py] of overlay.points) context.fillRect(x(px) - 1, y(py) - 1, 2, 2);
    context.globalAlpha = 1;
  }
  if (layers.gaze && overlay.gaze) {
    const [fromX, fromY, toX, toY] = overlay.gaze;
    arrow(context, x(fromX), y(fromY), x(toX), y(toY), style.line);
  }
  for (const box of overlay.boxes) {
    const colour = ORDINARY.has(box.label.split(" ")[0]) ? style.line : style.alert;
    const [left, top] = [x(box.left), y(box.top)];
    if (layers.boxes) outline(context, left, top, x(box.right) - left, y(box.bottom) - top, colour);
    if (layers.labels) label(context, left, top, labelOf(box), colour, style);
  }
}

/** @param {import("./types").Box} box */
function labelOf({ label, score }) {
  return score === undefined || score >= 0.995 ? label : `${label} ${Math.round(score * 100)} %`;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} left @param {number} top @param {number} width @param {number} height @param {string} colour
 */
function outline(context, left, top, width, height, colour) {
  context.lineWidth = 4;
  context.strokeStyle = "rgb(0 0 0 / 0.35)";
  context.strokeRect(left, top, width, height);
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.strokeRect(left, top, width, height);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} left @param {number} top @param {string} text @param {string} colour
 * @param {ReturnType<typeof overlayStyle>} style
 */
function label(context, left, top, text, colour, style) {
  context.font = style.font;
  const width = context.measureText(text).width + 10;
  const y = top >= 20 ? top - 20 : top;
  context.fillStyle = colour;
  context.fillRect(left - 1, y, width, 19);
  context.fillStyle = colour === style.alert ? "white" : style.ink;
  context.textBaseline = "middle";
  context.fillText(text, left + 4, y + 10);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} fromX @param {number} fromY @param {number} toX @param {number} toY @param {string} colour
 */
function arrow(context, fromX, fromY, toX, toY, colour) {
  const angle = Math.atan2(toY - fromY, toX - fromX);
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  for (const side of [-0.5, 0.5]) {
    context.moveTo(toX, toY);
    context.lineTo(toX - 9 * Math.cos(angle + side), toY - 9 * Math.sin(angle + side));
  }
  context.stroke();
}

/** The time line: lanes of marks over one clock. Click or drag goes there; the wheel zooms. */

import { el, setAttribute, setText } from "../dom.js";
import { clock, wallClock } from "../time.js";
import { lanesOf, tickStep, zoomed } from "./lanes.js";

/** @typedef {import("./lanes.js").Mark} Mark */
/** @typedef {{from: number, to: number}} Span UNIX seconds */

const SVG = "http://www.w3.org/2000/svg";
const AXIS = 24;
const LANE = 28;
const LABELS = 88;
const STEP_S = 5;
/** px that a label of the axis needs to its right. */
const LABEL_ROOM = 48;

/** @param {string} tag @param {Record<string, string | number>} attributes */
function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

export class TimelineView {
  /** @type {import("../types").Timeline | null} */ #data = null;
  /** @type {Span} */ #whole = { from: 0, to: 1 };
  /** @type {Span} */ #view = { from: 0, to: 1 };
  #followsAll = true;
  #position = 0;
  #svg = /** @type {SVGSVGElement} */ (svg("svg", { "aria-hidden": "true" }));
  #cursor = svg("line", { class: "cursor", y1: 0, y2: "100%" });
  #preview = el("div", { class: "preview", hidden: true }, el("img", { alt: "", hidden: true }), el("span", {}));
  /** @type {string | null} */ selected = null;

  /**
   * @param {HTMLElement} element
   * @param {{seek: (at: number) => void, select: (incident: string) => void}} on
   */
  constructor(element, on) {
    this.on = on;
    this.slider = el("div", { class: "timeline-slider", role: "slider", tabindex: 0, "aria-label": "Position in the recording" }, this.#svg);
    element.append(this.slider, this.#preview);
    new ResizeObserver(() => this.#draw()).observe(this.slider);
    this.#setUpPointer();
    this.slider.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {import("../types").Timeline} data @param {Span} whole */
  show(data, whole) {
    this.#data = data;
    this.#whole = whole;
    if (this.#followsAll) this.#view = { ...whole };
    this.#draw();
  }

  /** @param {number} at UNIX seconds */
  setPosition(at) {
    this.#position = at;
    const { from, to } = this.#view;
    // The view turns its page when the position leaves it.
    if (!this.#followsAll && (at > to || at < from)) this.#move(at - (to - from) * 0.1);
    this.#moveCursor();
  }

  /** @param {number} factor below 1: closer */
  zoom(factor, at = this.#position) {
    this.#view = zoomed(this.#view, this.#whole, factor, at);
    this.#followsAll = this.#view.to - this.#view.from >= this.#whole.to - this.#whole.from;
    this.#draw();
  }

  showAll() {
    this.#followsAll = true;
    this.#view = { ...this.#whole };
    this.#draw();
  }

  /** @param {string | null} incident */
  select(incident) {
    this.selected = incident;
    this.#draw();
  }

  get #width() {
    return Math.max(1, this.slider.clientWidth - LABELS);
  }

  /** @param {number} at */
  #x(at) {
    return LABELS + ((at - this.#view.from) / (this.#view.to - this.#view.from)) * this.#width;
  }

  /** @param {number} x from the left of the slider */
  #at(x) {
    const share = Math.min(1, Math.max(0, (x - LABELS) / this.#width));
    return this.#view.from + share * (this.#view.to - this.#view.from);
  }

  /** @param {number} from */
  #move(from) {
    const span = this.#view.to - this.#view.from;
    const start = Math.min(Math.max(this.#whole.from, from), this.#whole.to - span);
    this.#view = { from: start, to: start + span };
    this.#draw();
  }

  #draw() {
    if (!this.#data) return;
    const lanes = lanesOf(this.#data);
    const height = AXIS + lanes.length * LANE;
    setAttribute(this.#svg, "height", height);
    const parts = [this.#axis(height)];
    lanes.forEach(({ title, marks }, index) => {
      const top = AXIS + index * LANE;
      parts.push(svg("line", { class: "lane", x1: 0, x2: LABELS + this.#width, y1: top, y2: top }));
      const text = svg("text", { class: "lane-title", x: 0, y: top + LANE / 2 });
      text.textContent = title;
      parts.push(text, ...marks.map((mark) => this.#mark(mark, top)));
    });
    this.#svg.replaceChildren(...parts, this.#cursor);
    this.#moveCursor();
  }

  /** @param {number} height */
  #axis(height) {
    const group = svg("g", { class: "axis" });
    const { from, to } = this.#view;
    const step = tickStep(to - from, this.#width);
    const origin = this.#whole.from;
    for (let at = Math.ceil((from - origin) / step) * step; origin + at <= to; at += step) {
      const x = this.#x(origin + at);
      group.append(svg("line", { x1: x, x2: x, y1: AXIS - 6, y2: height }));
      if (x > LABELS + this.#width - LABEL_ROOM) continue;
      const text = svg("text", { x: x + 4, y: AXIS - 8 });
      text.textContent = clock(at);
      group.append(text);
    }
    return group;
  }

  /** @param {Mark} mark @param {number} top */
  #mark({ from, to, tone, label, incident }, top) {
    const [left, right] = [this.#x(from), this.#x(to)];
    if (right < LABELS || left > LABELS + this.#width) return svg("g", {});
    const x = Math.max(LABELS, left);
    const width = Math.max(from === to ? 3 : 6, Math.min(right, LABELS + this.#width) - x);
    const chosen = incident !== undefined && incident === this.selected ? " chosen" : "";
    const rect = svg("rect", { class: `mark ${tone}${chosen}`, x, y: top + 6, width, height: LANE - 12, rx: 2 });
    rect.setAttribute("data-label", label);
    rect.setAttribute("data-from", String(from));
    if (incident) rect.setAttribute("data-incident", incident);
    return rect;
  }

  #moveCursor() {
    const x = this.#x(this.#position);
    this.#cursor.setAttribute("x1", String(x));
    this.#cursor.setAttribute("x2", String(x));
    this.#cursor.toggleAttribute("hidden", x < LABELS || x > LABELS + this.#width + 1);
    const elapsed = Math.round(this.#position - this.#whole.from);
    setAttribute(this.slider, "aria-valuemin", 0);
    setAttribute(this.slider, "aria-valuemax", Math.round(this.#whole.to - this.#whole.from));
    setAttribute(this.slider, "aria-valuenow", Math.max(0, elapsed));
    setAttribute(this.slider, "aria-valuetext", clock(elapsed));
  }

  #setUpPointer() {
    const { slider } = this;
    let dragging = false;
    /** @param {PointerEvent} event */
    const x = (event) => event.clientX - slider.getBoundingClientRect().left;
    slider.addEventListener("pointerdown", (event) => {
      const incident = /** @type {Element} */ (event.target).getAttribute("data-incident");
      if (incident) return this.on.select(incident);
      if (x(event) < LABELS) return;
      dragging = true;
      slider.setPointerCapture(event.pointerId);
      this.on.seek(this.#at(x(event)));
    });
    slider.addEventListener("pointermove", (event) => {
      if (dragging) this.on.seek(this.#at(x(event)));
      this.#showPreview(x(event), /** @type {Element} */ (event.target).getAttribute("data-label"));
    });
    for (const name of ["pointerup", "pointercancel"]) slider.addEventListener(name, () => (dragging = false));
    slider.addEventListener("pointerleave", () => (this.#preview.hidden = true));
    slider.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const span = this.#view.to - this.#view.from;
        const sideways = event.shiftKey ? event.deltaY : event.deltaX;
        if (sideways) this.#move(this.#view.from + (sideways / this.#width) * span);
        else this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.#at(event.clientX - slider.getBoundingClientRect().left));
      },
      { passive: false },
    );
  }

  /** @param {number} x @param {string | null} label */
  #showPreview(x, label) {
    this.#preview.hidden = x < LABELS;
    if (this.#preview.hidden) return;
    const at = this.#at(x);
    const segment = this.#data?.segments.find((one) => one.track === "main" && one.started_at <= at && at < one.ended_at);
    const [image, words] = /** @type {[HTMLImageElement, HTMLElement]} */ ([...this.#preview.children]);
    image.hidden = !segment?.thumbnail;
    if (segment?.thumbnail && image.getAttribute("src") !== segment.thumbnail) image.src = segment.thumbnail;
    const time = `${clock(at - this.#whole.from)} · ${wallClock(at)}`;
    setText(words, label ? `${label} · ${time}` : time);
    const half = this.#preview.offsetWidth / 2;
    const left = Math.min(Math.max(x, half), this.slider.clientWidth - half);
    this.#preview.style.left = `${left}px`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const to = {
      ArrowLeft: this.#position - STEP_S,
      ArrowRight: this.#position + STEP_S,
      PageUp: this.#position - 60,
      PageDown: this.#position + 60,
      Home: this.#whole.from,
      End: this.#whole.to,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.on.seek(Math.min(Math.max(to, this.#whole.from), this.#whole.to));
  }
}

/** The review page: recording, time line, flags and verdicts under one clock. */

import { byId, pageData, setAttribute, setText } from "../dom.js";
import { clock, wallClock } from "../time.js";
import { isTyping } from "../typing.js";
import { statusWords } from "../words.js";
import { Flags } from "./flags.js";
import { Player } from "./player.js";
import { TimelineView } from "./timeline.js";

/** @typedef {import("../types").Timeline} Timeline */

const REFRESH_MS = 5_000;
/** Go there a little before, to see how it began. */
const LEAD_S = 2;

const page = pageData();
const player = new Player(byId("video", HTMLVideoElement));
const flags = new Flags(page);
const view = new TimelineView(byId("timeline"), { seek: (at) => player.seek(at), select: (id) => flags.select(id) });
/** @type {Timeline | null} */ let timeline = null;

async function refresh() {
  const response = await fetch(page.timeline).catch(() => null);
  const problem = byId("load-problem");
  problem.hidden = Boolean(response?.ok);
  if (!response?.ok) {
    setText(problem, "The time line could not be loaded. We try again.");
    return schedule(true);
  }
  /** @type {Timeline} */ const data = await response.json();
  timeline = data;
  player.load(data);
  redraw();
  schedule(!["terminated", "complete"].includes(data.attempt.status));
}

/** @param {boolean} again */
function schedule(again) {
  if (again) setTimeout(refresh, REFRESH_MS);
}

/** From the first thing that was recorded to the last. @param {Timeline} data */
function wholeSpan({ attempt, now, segments, incidents }) {
  const starts = [attempt.started_at, ...segments.map(({ started_at }) => started_at)].filter((at) => at !== null);
  const ends = [...segments.map(({ ended_at }) => ended_at), ...incidents.map(({ ended_at, started_at }) => ended_at ?? started_at)];
  const from = player.span?.from ?? Math.min(...starts, now);
  return { from, to: Math.max(attempt.ended_at ?? from, ...ends, from + 10) };
}

function redraw() {
  if (!timeline) return;
  const whole = wholeSpan(timeline);
  view.show(timeline, whole);
  flags.show(timeline.incidents, whole.from);
  const over = ["terminated", "complete"].includes(timeline.attempt.status);
  setText(byId("status-said"), over ? statusWords(timeline.attempt.status) : `${statusWords(timeline.attempt.status)} · recorded up to ${wallClock(player.span?.to ?? timeline.now)}`);
  setText(byId("length"), clock(whole.to - whole.from));
  showPosition();
}

function showPosition() {
  if (!timeline) return;
  const at = player.position;
  const origin = wholeSpan(timeline).from;
  view.setPosition(at);
  setText(byId("position"), clock(at - origin));
  setText(byId("position-clock"), player.span ? wallClock(at) : "");
  setText(byId("player-note"), note(timeline, at));
}

/** Why there is no picture, where there is none. @param {Timeline} data @param {number} at */
function note({ attempt, gaps, now }, at) {
  if (!player.span) {
    return attempt.started_at ? "Nothing was recorded yet. Segments appear here every ten seconds." : "The exam has not started.";
  }
  const gap = gaps.find(({ started_at, ended_at }) => started_at <= at && at < (ended_at ?? now));
  return gap ? `Nothing was recorded here: ${gap.reason.replaceAll("_", " ")}.` : "";
}

player.addEventListener("position", showPosition);
player.addEventListener("playing", (event) => {
  const playing = /** @type {CustomEvent<boolean>} */ (event).detail;
  const button = byId("play");
  setAttribute(button, "aria-label", playing ? "Pause" : "Play");
  button.querySelector("use")?.setAttribute("href", `/static/icons.svg#${playing ? "pause" : "play"}`);
});
flags.addEventListener("select", (event) => {
  const incident = /** @type {CustomEvent<import("../types").ReviewIncident>} */ (event).detail;
  view.select(incident.id);
  player.seek(Math.max(player.span?.from ?? 0, incident.started_at - LEAD_S));
});
flags.addEventListener("judged", () => timeline && view.show(timeline, wholeSpan(timeline)));

/** @type {Record<string, () => void>} */
const KEYS = {
  j: () => flags.step(-1, player.position),
  k: () => flags.step(1, player.position),
  c: () => flags.judge("confirmed"),
  d: () => flags.judge("dismissed"),
  t: () => flags.judge("technical"),
  " ": () => player.toggle(),
  ArrowLeft: () => player.seek(player.position - 5),
  ArrowRight: () => player.seek(player.position + 5),
  "+": () => view.zoom(0.5),
  "-": () => view.zoom(2),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const onButton = event.target instanceof HTMLElement && event.target.closest("button, a") !== null;
  if (event.key === " " && onButton) return; // Space presses the button it is on.
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

byId("play").addEventListener("click", () => player.toggle());
byId("previous").addEventListener("click", KEYS.j);
byId("next").addEventListener("click", KEYS.k);
byId("zoom-in").addEventListener("click", KEYS["+"]);
byId("zoom-out").addEventListener("click", KEYS["-"]);
byId("zoom-all").addEventListener("click", () => view.showAll());
byId("video").addEventListener("click", () => player.toggle());
const speed = byId("speed", HTMLSelectElement);
speed.addEventListener("change", () => {
  player.video.playbackRate = player.video.defaultPlaybackRate = Number(speed.value);
});

refresh();

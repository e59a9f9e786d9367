/**
 * What lies on the time line, sorted into lanes. Pure.
 *
 * @typedef {import("../types").Timeline} Timeline
 * @typedef {import("../types").ReviewIncident} Incident
 * @typedef {"alert" | "confirmed" | "dismissed" | "technical" | "plain" | "person"} Tone
 * @typedef {{from: number, to: number, tone: Tone, label: string, incident?: string}} Mark
 * @typedef {{title: string, marks: Mark[]}} Lane
 */

import { startAndEnd } from "../statuses.js";
import { actionWords, kindWords, signalWords } from "../words.js";

/** @param {Incident} incident @returns {Tone} */
export function toneOf({ category, severity, verdict }) {
  if (verdict === "confirmed") return "confirmed";
  if (verdict === "dismissed") return "dismissed";
  if (category === "technical" || verdict === "technical") return "technical";
  return severity === "medium" || severity === "high" ? "alert" : "plain";
}

/** Only these wait for a person: suspicions without a verdict. @param {Incident} incident */
export function isToJudge(incident) {
  return incident.category === "suspicion" && !incident.verdict;
}

/** @param {Incident} incident */
export function isAlert({ category, severity }) {
  return category === "suspicion" && (severity === "medium" || severity === "high");
}

/** @param {Timeline} timeline @returns {Lane[]} */
export function lanesOf(timeline) {
  const { incidents, now } = timeline;
  /** @param {Incident} incident @returns {Mark} */
  const mark = (incident) => ({
    from: incident.started_at,
    to: incident.ended_at ?? now,
    tone: toneOf(incident),
    label: kindWords(incident.kind),
    incident: incident.id,
  });
  const suspicions = incidents.filter(({ category }) => category === "suspicion");
  const technical = incidents.filter(({ category }) => category === "technical");
  return [
    { title: "Alerts", marks: suspicions.filter(isAlert).map(mark) },
    { title: "Noticed", marks: suspicions.filter((one) => !isAlert(one)).map(mark) },
    { title: "Technical", marks: [...technical.map(mark), ...gapMarks(timeline)] },
    { title: "Browser", marks: timeline.signals.map((one) => ({ from: one.at, to: one.at, tone: "plain", label: signalWords(one) })) },
    { title: "People", marks: peopleMarks(timeline) },
  ];
}

/** @param {Timeline} timeline @returns {Mark[]} */
function gapMarks({ gaps, now }) {
  return gaps.map(({ started_at, ended_at, reason }) => ({
    from: started_at,
    to: ended_at ?? now,
    tone: "technical",
    label: `Not recorded (${reason.replaceAll("_", " ")})`,
  }));
}

/** @param {Timeline} timeline @returns {Mark[]} */
function peopleMarks({ interventions, statuses }) {
  /** @type {Mark[]} */
  const acts = interventions.map(({ at, kind }) => ({ from: at, to: at, tone: "person", label: actionWords(kind) }));
  /** @type {Mark[]} */
  const states = startAndEnd(statuses).map(({ at, title }) => ({ from: at, to: at, tone: "person", label: title }));
  return [...acts, ...states];
}

/**
 * A round step for the axis, so that labels stay at least 90 px apart.
 * @param {number} span seconds @param {number} width px
 */
export function tickStep(span, width) {
  const least = (span * 90) / Math.max(1, width);
  return [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600].find((step) => step >= least) ?? 7200;
}

/**
 * The view after zooming by `factor` around `at`, kept within the whole.
 * @param {{from: number, to: number}} view @param {{from: number, to: number}} whole
 * @param {number} factor below 1: closer @param {number} at
 */
export function zoomed(view, whole, factor, at) {
  const span = Math.min(whole.to - whole.from, Math.max(10, (view.to - view.from) * factor));
  const share = (at - view.from) / (view.to - view.from);
  const from = Math.min(Math.max(whole.from, at - share * span), whole.to - span);
  return { from, to: from + span };
}

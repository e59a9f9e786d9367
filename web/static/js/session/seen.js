/** What the system sees of me, in plain words. Never a score, never an accusation. */

import { byId, el } from "../dom.js";

/** @typedef {{text: string, tone: "plain" | "technical"}} Line */

/** @type {Record<string, string>} */
const FACE = {
  one: "Your face is in the picture.",
  none: "We see no face. Come back into the picture.",
  several: "We see more than one face.",
  unknown: "We cannot tell yet whether your face is in the picture.",
};

/** @type {Record<string, string>} what could not be measured; each is nobody's fault */
const BLIND = {
  no_picture: "Your picture does not arrive right now.",
  no_sound: "Your sound does not arrive right now.",
  frozen: "Your picture stands still.",
  too_dark: "It is too dark to see well.",
  covered: "The camera sees nothing; perhaps it is covered.",
  face_too_small: "Your face is small in the picture. Sit closer if you can.",
  face_turned: "Your face is turned away.",
  face_occluded: "Part of your face is covered.",
  not_enrolled: "There is no picture of you to compare with.",
  overloaded: "The system is busy and looks less often.",
  crashed: "The system is restarting and looks again in a moment.",
};

/** @type {Record<string, string>} */
const NOTES = {
  dark: "It is too dark to see well.",
  blurred: "Your picture is blurred. Wiping the lens helps.",
  covered: "The camera sees nothing; perhaps it is covered.",
  frozen: "Your picture stands still.",
  face_too_small: "Your face is small in the picture. Sit closer if you can.",
  face_occluded: "Part of your face is covered.",
  phone: "Something like a phone is in the picture.",
  book: "Something like a book is in the picture.",
  laptop: "Something like a second computer is in the picture.",
  second_person: "Someone else may be in the picture.",
  noise: "It is loud.",
};

const NOT_HELD = "not held against you";

/** Faults of picture and sound, as against things in the picture. */
const TECHNICAL_NOTES = new Set(["dark", "blurred", "frozen", "face_too_small"]);

/**
 * @param {import("../types").Seen} seen
 * @returns {Line[]} the picture first; each sentence once
 */
export function seenLines({ face, light, sound, blind = {}, notes = [] }) {
  /** @type {Map<string, Line["tone"]>} */
  const lines = new Map([[FACE[face], "plain"]]);
  if (light === "dark") lines.set(BLIND.too_dark, "technical");
  for (const reason of Object.values(blind)) if (BLIND[reason]) lines.set(BLIND[reason], "technical");
  for (const note of notes) {
    if (NOTES[note] && !lines.has(NOTES[note])) lines.set(NOTES[note], TECHNICAL_NOTES.has(note) ? "technical" : "plain");
  }
  if (sound === "speech") lines.set("We hear someone speaking.", "plain");
  return [...lines].map(([text, tone]) => ({ text, tone }));
}

/** @param {import("../types").Seen} seen */
export function showSeen(seen) {
  const list = byId("seen");
  const lines = seenLines(seen);
  const before = list.dataset.said;
  const now = JSON.stringify(lines);
  if (before === now) return;
  list.dataset.said = now;
  list.replaceChildren(
    ...lines.map(({ text, tone }) =>
      el("li", { class: tone }, text, tone === "technical" && el("span", { class: "quiet" }, ` (${NOT_HELD})`)),
    ),
  );
}

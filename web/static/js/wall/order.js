/**
 * In which order the wall shows attempts, and which of them. Pure.
 *
 * @typedef {import("./store.js").Attempt} Attempt
 * @typedef {"all" | "attention" | "technical" | "hand"} Filter
 */

import { isOver, isTechnical } from "./store.js";

/**
 * Who needs a look first, the longest waiting before the others; then raised hands; then by seat. Nothing
 * else moves a tile, so that a face stays where the eye left it.
 * @param {Iterable<Attempt>} attempts
 * @param {(attempt: Attempt) => number | null} waitingSince when its first alert began, null: none
 * @returns {Attempt[]}
 */
export function inOrder(attempts, waitingSince) {
  const ranked = [...attempts].map((attempt) => {
    const since = waitingSince(attempt);
    const rank = since !== null ? 0 : attempt.hand_raised ? 1 : isOver(attempt) ? 3 : 2;
    return { attempt, rank, since: since ?? 0 };
  });
  ranked.sort((a, b) => a.rank - b.rank || a.since - b.since || bySeat(a.attempt, b.attempt));
  return ranked.map(({ attempt }) => attempt);
}

/** @param {Attempt} a @param {Attempt} b */
function bySeat(a, b) {
  return Number(a.seat ?? 0) - Number(b.seat ?? 0) || a.name.localeCompare(b.name);
}

/**
 * @param {Attempt} attempt @param {Filter} filter @param {string} search @param {boolean} alerted
 */
export function passes(attempt, filter, search, alerted) {
  const wanted = search.trim().toLowerCase();
  if (wanted && !attempt.name.toLowerCase().includes(wanted) && attempt.seat !== wanted) return false;
  if (filter === "attention") return alerted || Boolean(attempt.flagged);
  if (filter === "technical") return isTechnical(attempt);
  if (filter === "hand") return Boolean(attempt.hand_raised);
  return true;
}

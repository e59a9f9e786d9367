/** Changes of an attempt's state that no intervention tells already. */

import { statusWords } from "./words.js";

/**
 * Start and handing in. Pause, resume and a proctor's ending are told by the interventions that made them.
 * @param {import("./types").StatusChange[]} statuses oldest first
 * @returns {{at: number, title: string}[]}
 */
export function startAndEnd(statuses) {
  const start = statuses.find(({ status }) => status === "running");
  const end = statuses.find(({ status }) => status === "complete");
  const told = [];
  if (start) told.push({ at: start.at, title: "Started" });
  if (end) told.push({ at: end.at, title: statusWords("complete") });
  return told;
}

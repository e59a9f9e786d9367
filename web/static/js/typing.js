/** Keys that mean something to a page are left alone while somebody types. */

/** @param {EventTarget | null} target */
export function isTyping(target) {
  return target instanceof HTMLElement && target.closest("input:not([type=checkbox]):not([type=range]), textarea, select") !== null;
}

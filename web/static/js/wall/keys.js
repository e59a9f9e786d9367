/** Everything by keyboard. Keys are left alone while somebody types or a dialog is open. */

import { byId } from "../dom.js";
import { isTyping } from "../typing.js";

/**
 * @param {{grid: import("./grid.js").Grid, focus: import("./focus.js").Focus, listen: () => void, next: () => void}} parts
 */
export function setUpKeys({ grid, focus, listen, next }) {
  const search = byId("search", HTMLInputElement);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      search.value = "";
      grid.setSearch("");
      grid.focusTile();
    } else if (event.key === "Enter" || event.key === "ArrowDown") {
      grid.focusTile();
    }
  });
  /** @param {KeyboardEvent} event */
  const act = (event) => {
    const { key } = event;
    if (key === "Escape") focus.close();
    else if (key === "/" || key === "f") {
      focus.close();
      search.focus();
    } else if (key === "?") byId("keys-dialog", HTMLDialogElement).showModal();
    else if (key === "l") listen();
    else if (key === "n") next();
    else if (key === "t" && focus.attempt) focus.talking.start();
    else if (isArrow(key) && !focus.attempt) grid.move(key);
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", (event) => {
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (modified || event.repeat && event.key === "t" || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    act(event);
  });
  document.addEventListener("keyup", (event) => event.key === "t" && focus.talking.stop());
  addEventListener("blur", () => focus.talking.stop());
}

/** @param {string} key @returns {key is "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown"} */
function isArrow(key) {
  return key.startsWith("Arrow");
}

/** Warnings: one after the other, in a dialog that only an acknowledgement closes. */

import { openModal } from "../dialogs.js";
import { byId, setText } from "../dom.js";

export class Warnings {
  /** @type {Map<string, import("../types").Warning>} */ #waiting = new Map();
  /** @type {import("../types").Warning | null} */ #shown = null;
  #dialog = byId("warning", HTMLDialogElement);
  #button = byId("warning-ok", HTMLButtonElement);

  /** @param {import("../protocol.js").Connection} connection */
  constructor(connection) {
    this.connection = connection;
    this.#button.addEventListener("click", () => this.#acknowledge());
    connection.on("intervention", (message) => {
      if (message.acknowledge) this.add([{ id: message.id, text: message.text ?? "", at: message.at }]);
    });
    connection.on("event", ({ event, payload = {} }) => {
      if (event === "intervention.acknowledged" || event === "intervention.undone") this.#remove(payload.id);
    });
  }

  /** Those already waiting or shown are not shown twice. @param {import("../types").Warning[]} warnings */
  add(warnings) {
    for (const warning of warnings) this.#waiting.set(warning.id, warning);
    this.#next();
  }

  /** @param {string} id */
  #remove(id) {
    this.#waiting.delete(id);
    if (this.#shown?.id !== id) return;
    this.#shown = null;
    this.#dialog.close();
    this.#next();
  }

  #next() {
    if (this.#shown) return;
    const [warning] = this.#waiting.values();
    if (!warning) return;
    this.#shown = warning;
    setText(byId("warning-text"), warning.text);
    setText(byId("warning-said"), "");
    openModal(this.#dialog);
  }

  async #acknowledge() {
    const warning = this.#shown;
    if (!warning) return;
    this.#button.disabled = true;
    try {
      await this.connection.request("acknowledge", { intervention: warning.id }, { keep: true });
      this.#remove(warning.id);
    } catch (error) {
      setText(byId("warning-said"), /** @type {Error} */ (error).message);
    }
    this.#button.disabled = false;
  }
}

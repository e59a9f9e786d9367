/** Modal questions. `<dialog>` keeps the focus inside and gives it back. */

/**
 * Opens a dialog that must be answered: Escape does not close it.
 * @param {HTMLDialogElement} dialog
 */
export function openModal(dialog) {
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  // Chromium closes a dialog at the second Escape whatever `cancel` says.
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.preventDefault());
  if (!dialog.open) dialog.showModal();
}

/**
 * Asks, and resolves with the value of the button that closed the dialog; "" for Escape.
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<string>}
 */
export function ask(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

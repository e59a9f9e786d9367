/** Interventions: each says what it does to whom and wants a reason; ending an exam asks twice. */

import { ask } from "../dialogs.js";
import { byId, el, setText } from "../dom.js";
import { kindWords } from "../words.js";

/** @typedef {import("./store.js").Attempt} Attempt */
/** @typedef {import("../types").Action} Action */

/**
 * @typedef {object} Act
 * @property {string} title
 * @property {string} what  what it does, to whom: {name}
 * @property {string} go  the button
 * @property {string[]} [words]  ready-made, for the student
 * @property {string} [confirm]  must be ticked
 */

/** @type {Record<Action, Act>} */
const ACTS = {
  message: {
    title: "Write to {name}",
    what: "Appears beside the questions. The exam goes on.",
    go: "Send",
    words: ["I can see you need help. What is the matter?", "Please sit so that your whole face is in the picture.", "Please turn on a light in front of you.", "Everything is fine. Please go on."],
  },
  warn: {
    title: "Warn {name}",
    what: "Covers the questions until {name} confirms having read it. The clock goes on.",
    go: "Warn",
    words: ["Please put your phone away.", "Please look at your screen only.", "You must be alone in the room. Please ask the other person to leave.", "Please stay in the exam's window.", "Please do not speak during the exam."],
  },
  pause: {
    title: "Pause {name}'s exam",
    what: "Hides the questions and stops the clock until you resume.",
    go: "Pause",
    words: ["I have paused your exam. Please wait, I will write to you.", "I have paused your exam while we mend a technical problem."],
  },
  resume: { title: "Resume {name}'s exam", what: "Shows the questions again; the clock goes on.", go: "Resume" },
  extend: { title: "Give {name} more time", what: "Added to the clock at once, and {name} is told.", go: "Add" },
  flag: { title: "Flag {name}", what: "Marks the attempt for your colleagues and for review. The student does not see it.", go: "Flag" },
  unflag: { title: "Remove {name}'s flag", what: "The flag and its removal stay on the record.", go: "Remove" },
  terminate: {
    title: "End {name}'s exam",
    what: "Stops the exam, camera and recording for good. It cannot be undone.",
    go: "End the exam",
    words: ["Your exam was ended by a proctor. The people who invited you will write to you."],
    confirm: "Yes, end {name}'s exam now",
  },
};

const REASONS = ["Several alerts", "Asked by the student", "Technical problem", "Instruction of the professor", "As a precaution"];

export class Acts {
  #dialog = byId("act-dialog", HTMLDialogElement);
  #text = byId("act-text", HTMLTextAreaElement);
  #reason = byId("act-reason", HTMLInputElement);
  #confirm = byId("act-confirm", HTMLInputElement);
  #template = byId("act-template", HTMLSelectElement);

  /** @param {import("../protocol.js").Connection} connection @param {() => Attempt | null} current */
  constructor(connection, current) {
    this.connection = connection;
    this.current = current;
    for (const button of document.querySelectorAll("[data-action]")) {
      const action = /** @type {Action} */ (button.getAttribute("data-action"));
      button.addEventListener("click", () => this.#ask(action));
    }
    this.#template.addEventListener("change", () => (this.#text.value = this.#template.value));
    // Ending asks twice: without the tick the form does not go.
    this.#confirm.addEventListener("change", () => this.#allow());
  }

  /** Shows what can be done in this state. @param {Attempt} attempt */
  update({ status, flagged }) {
    const over = status === "terminated" || status === "complete";
    /** @type {Record<Action, boolean>} */
    const possible = {
      message: !over, warn: !over, extend: !over, terminate: !over,
      pause: status === "running",
      resume: status === "paused",
      flag: !flagged,
      unflag: Boolean(flagged),
    };
    for (const [action, shown] of Object.entries(possible)) {
      /** @type {HTMLElement | null} */ (document.querySelector(`[data-action="${action}"]`))?.toggleAttribute("hidden", !shown);
    }
  }

  /** @param {Action} action */
  async #ask(action) {
    const attempt = this.current();
    if (!attempt) return;
    this.#prepare(action, attempt);
    if ((await ask(this.#dialog)) !== "go") return;
    const fields = { attempt: attempt.id, action, reason: this.#reason.value.trim(), text: ACTS[action].words ? this.#text.value.trim() : "" };
    const seconds = action === "extend" ? { seconds: Math.round(byId("act-minutes", HTMLInputElement).valueAsNumber * 60) } : {};
    try {
      await this.connection.request("intervene", { ...fields, ...seconds });
      this.say(`Done: ${fill(ACTS[action].title, attempt.name)}.`);
    } catch (error) {
      this.say(`Not done: ${/** @type {Error} */ (error).message}`);
    }
  }

  /** @param {string} text */
  say(text) {
    setText(byId("act-said"), text);
  }

  /** @param {Action} action @param {Attempt} attempt */
  #prepare(action, attempt) {
    const act = ACTS[action];
    setText(byId("act-dialog-title"), fill(act.title, attempt.name));
    setText(byId("act-dialog-what"), fill(act.what, attempt.name));
    const go = byId("act-go", HTMLButtonElement);
    setText(go, act.go);
    go.classList.toggle("danger", action === "terminate");
    byId("act-seconds-field").hidden = action !== "extend";
    byId("act-text-field").hidden = !act.words;
    this.#template.replaceChildren(el("option", { value: "" }, "Choose …"), ...(act.words ?? []).map((words) => el("option", { value: words }, words)));
    this.#text.required = action === "message" || action === "warn";
    this.#text.value = action === "pause" || action === "terminate" ? (act.words?.[0] ?? "") : "";
    this.#reason.value = "";
    byId("act-reasons").replaceChildren(...suggestions(attempt).map((reason) => el("option", { value: reason })));
    byId("act-confirm-field").hidden = !act.confirm;
    this.#confirm.checked = false;
    setText(byId("act-confirm-words"), fill(act.confirm ?? "", attempt.name));
    this.#allow();
  }

  #allow() {
    const needed = !byId("act-confirm-field").hidden;
    byId("act-go", HTMLButtonElement).disabled = needed && !this.#confirm.checked;
  }
}

/** @param {string} words @param {string} name */
const fill = (words, name) => words.replaceAll("{name}", name);

/** @param {Attempt} attempt @returns {string[]} */
function suggestions({ incidentsById }) {
  const kinds = [...incidentsById.values()].filter(({ category }) => category === "suspicion").map(({ kind }) => kindWords(kind));
  return [...new Set([...kinds.reverse(), ...REASONS])];
}

/** One thing at a time: the sections of the student's page, of which one is shown. */

import { byId } from "../dom.js";

/** @typedef {"loading" | "consent" | "refused" | "preflight" | "enrol" | "exam" | "over"} Step */

export class Steps {
  /** @type {Step} */ current = "loading";

  /** Shows a step and reads its heading out. Showing the current one changes nothing. @param {Step} step */
  show(step) {
    if (step === this.current) return;
    byId(`step-${this.current}`).hidden = true;
    const section = byId(`step-${step}`);
    section.hidden = false;
    this.current = step;
    /** @type {HTMLElement | null} */ (section.querySelector("[tabindex='-1']"))?.focus();
    scrollTo(0, 0);
  }
}

/** The question that comes before everything else. A no is as easy as a yes. */

import { byId } from "../dom.js";

/**
 * @param {import("../protocol.js").Connection} connection
 * @param {import("./steps.js").Steps} steps
 * @param {(given: boolean) => void} onanswer after the server has it on record
 */
export function setUpConsent(connection, steps, onanswer) {
  let version = "";
  connection.on("welcome", ({ exam }) => {
    version = exam.consent.version;
    // The server's own text, not a person's.
    byId("consent-text").innerHTML = exam.consent.html;
  });
  /** @param {boolean} given */
  const answer = async (given) => {
    await connection.request("consent", { text_version: version, given }, { keep: true });
    onanswer(given);
  };
  byId("consent-yes").addEventListener("click", () => answer(true));
  byId("consent-no").addEventListener("click", async () => {
    await answer(false);
    steps.show("refused");
  });
  byId("consent-again").addEventListener("click", () => steps.show("consent"));
}

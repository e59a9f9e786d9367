/** A proctor's voice: silent until a proctor speaks, and then said on the page as well. */

import { byId, setText } from "../dom.js";

/**
 * @param {import("../protocol.js").Connection} connection
 * @param {import("../publisher.js").Publisher} publisher
 */
export function setUpTalkback(connection, publisher) {
  const audio = byId("talkback", HTMLAudioElement);
  const unmute = byId("talk-unmute", HTMLButtonElement);
  audio.muted = true;
  const play = () =>
    audio.play().then(
      () => (unmute.hidden = true),
      () => (unmute.hidden = false), // The browser wants a click before it makes a sound.
    );
  publisher.addEventListener("talkback", (event) => {
    audio.srcObject = /** @type {CustomEvent<MediaStream>} */ (event).detail;
    play();
  });
  connection.on("talking", ({ on, who }) => {
    audio.muted = !on;
    byId("talk-banner").hidden = !on;
    setText(byId("talk-who"), who || "A proctor");
    if (on) play();
  });
  unmute.addEventListener("click", play);
}

/** The reference picture, and the start. */

import { byId, setText } from "../dom.js";

const SIZE = { width: 640, height: 480 };
const JPEG_QUALITY = 0.9;

/**
 * @param {import("../protocol.js").Connection} connection
 * @param {() => Promise<void>} onstart
 */
export function setUpEnrolment(connection, onstart) {
  const video = byId("enrol-video", HTMLVideoElement);
  const still = byId("enrol-still", HTMLCanvasElement);
  const take = byId("enrol-take", HTMLButtonElement);
  const again = byId("enrol-again", HTMLButtonElement);
  const start = byId("start", HTMLButtonElement);
  const said = byId("enrol-said");

  /** @param {boolean} taken */
  const show = (taken) => {
    still.hidden = !taken;
    video.hidden = taken;
    take.hidden = taken;
    again.hidden = start.hidden = !taken;
    (taken ? start : take).focus();
  };
  // Before the first frame there is nothing to take.
  take.disabled = true;
  video.addEventListener("loadeddata", () => (take.disabled = false));
  take.addEventListener("click", async () => {
    take.disabled = true;
    setText(said, "Checking the picture …");
    try {
      await connection.request("enrol_face", { jpeg: photograph(video, still) });
      setText(said, "That worked. Your picture is kept with this attempt.");
      show(true);
    } catch (error) {
      setText(said, /** @type {Error} */ (error).message);
    }
    take.disabled = false;
  });
  again.addEventListener("click", () => {
    setText(said, "");
    show(false);
  });
  start.addEventListener("click", async () => {
    start.disabled = true;
    try {
      await onstart();
    } catch (error) {
      setText(said, /** @type {Error} */ (error).message);
    }
    start.disabled = false;
  });
  return { /** A picture of an earlier visit counts. */ skip: () => show(true) };
}

/**
 * Cuts the middle out of the video, at 4:3.
 * @param {HTMLVideoElement} video @param {HTMLCanvasElement} canvas
 * @returns {string} base64 of a JPEG
 */
function photograph(video, canvas) {
  const scale = Math.max(SIZE.width / video.videoWidth, SIZE.height / video.videoHeight);
  const [width, height] = [SIZE.width / scale, SIZE.height / scale];
  const [x, y] = [(video.videoWidth - width) / 2, (video.videoHeight - height) / 2];
  canvas.getContext("2d")?.drawImage(video, x, y, width, height, 0, 0, SIZE.width, SIZE.height);
  return canvas.toDataURL("image/jpeg", JPEG_QUALITY).split(",")[1];
}

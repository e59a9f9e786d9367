/** The preflight's page: rows of checks, the own picture, the level, the choice of devices. */

import { byId, el, icon, setAttribute, setText } from "../dom.js";

/** @typedef {import("../preflight.js").Check} Check */

/** @type {Record<import("../preflight.js").CheckState, {icon: string, said: string}>} */
const STATES = {
  waiting: { icon: "dot", said: "not checked yet" },
  checking: { icon: "wait", said: "checking" },
  good: { icon: "check", said: "works" },
  advice: { icon: "advice", said: "could be better" },
  problem: { icon: "problem", said: "does not work" },
};

/**
 * @param {import("../preflight.js").Preflight} preflight
 * @param {import("../publisher.js").Publisher} publisher
 * @param {() => void} onnext
 */
export function setUpChecks(preflight, publisher, onnext) {
  const list = byId("checks");
  const rows = new Map([...preflight.checks.values()].map((check) => [check.name, row(check)]));
  list.replaceChildren(...rows.values());

  const run = byId("preflight-run", HTMLButtonElement);
  const next = byId("preflight-next", HTMLButtonElement);
  const share = byId("preflight-screen", HTMLButtonElement);
  share.hidden = !preflight.checks.has("screen");

  const start = async () => {
    run.disabled = true;
    await preflight.run(chosenDevices());
    run.disabled = false;
    const opened = preflight.checks.get("camera")?.state === "good";
    run.hidden = opened;
    setText(run, "Try again");
    next.hidden = !opened;
    if (opened) {
      byId("preflight-video", HTMLVideoElement).srcObject = publisher.stream;
      await offerDevices();
    }
  };
  run.addEventListener("click", start);
  share.addEventListener("click", () => preflight.shareScreen());
  next.addEventListener("click", onnext);
  for (const id of ["camera-choice", "microphone-choice"]) byId(id).addEventListener("change", start);

  preflight.addEventListener("check", (event) => {
    const check = /** @type {CustomEvent<Check>} */ (event).detail;
    const element = rows.get(check.name);
    if (element) update(element, check);
  });
  preflight.addEventListener("level", (event) => showLevel(/** @type {CustomEvent<number>} */ (event).detail));
  preflight.addEventListener("ready", (event) => {
    const ready = /** @type {CustomEvent<boolean>} */ (event).detail;
    next.disabled = !ready;
    setText(byId("preflight-hint"), next.hidden ? "" : hint(preflight, ready));
  });
}

/** @param {import("../preflight.js").Preflight} preflight @param {boolean} ready */
function hint(preflight, ready) {
  const checks = [...preflight.checks.values()];
  if (!ready) return "You can go on as soon as the checks above are done.";
  const advice = checks.some(({ state }) => state === "advice");
  return advice ? "You can go on. It is better to follow the advice first; it is not held against you." : "";
}

/** @param {Check} check */
function row(check) {
  const element = el(
    "li",
    { class: "check-row", "data-check": check.name },
    el("span", { class: "check-icon" }),
    el("div", {}, el("h2", {}, check.title, el("span", { class: "visually-hidden" })), el("p", { "aria-live": "polite" })),
  );
  update(element, check);
  return element;
}

/** @param {HTMLElement} element @param {Check} check */
function update(element, { state, text }) {
  element.dataset.state = state;
  element.querySelector(".check-icon")?.replaceChildren(icon(STATES[state].icon));
  setText(/** @type {Element} */ (element.querySelector("h2 span")), `: ${STATES[state].said}`);
  setText(/** @type {Element} */ (element.querySelector("p")), text);
}

/** @param {number} level */
function showLevel(level) {
  byId("level-bar").style.transform = `scaleX(${level.toFixed(3)})`;
  setAttribute(byId("level"), "aria-valuenow", Math.round(level * 100));
}

/** Names of devices are known only after leave was given. */
async function offerDevices() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const cameras = fill("camera-choice", devices, "videoinput");
  const microphones = fill("microphone-choice", devices, "audioinput");
  byId("device-choice").hidden = cameras < 2 && microphones < 2;
}

/** @param {string} id @param {MediaDeviceInfo[]} devices @param {MediaDeviceKind} kind @returns {number} */
function fill(id, devices, kind) {
  const select = byId(id, HTMLSelectElement);
  const chosen = select.value;
  const options = devices
    .filter((device) => device.kind === kind)
    .map(({ deviceId, label }, index) => el("option", { value: deviceId }, label || `${kind} ${index + 1}`));
  select.replaceChildren(...options);
  if (options.some(({ value }) => value === chosen)) select.value = chosen;
  return options.length;
}

/** @returns {{camera?: string, microphone?: string}} */
function chosenDevices() {
  return {
    camera: byId("camera-choice", HTMLSelectElement).value || undefined,
    microphone: byId("microphone-choice", HTMLSelectElement).value || undefined,
  };
}

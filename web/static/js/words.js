/** What machines call things, in words for people. */

/** @type {Record<string, string>} incident kinds, for proctors and professors */
const KINDS = {
  no_face: "No face",
  multiple_faces: "Several faces",
  head_turned: "Head turned",
  face_too_small: "Face too small",
  face_occluded: "Face covered",
  identity_mismatch: "Another person",
  gaze_away: "Looking away",
  phone: "Phone",
  book: "Book",
  laptop: "Second computer",
  second_person: "Second person",
  speech: "Speech",
  second_voice: "Second voice",
  noise: "Loud noise",
  dark: "Too dark",
  covered: "Camera covered",
  blurred: "Blurred picture",
  frozen: "Frozen picture",
  virtual_camera: "Virtual camera",
  tab_hidden: "Left the tab",
  window_blur: "Left the window",
  fullscreen_left: "Left full screen",
  copy: "Copied",
  paste: "Pasted",
  second_display: "Second display",
  shortcut: "Shortcut keys",
  devtools: "Developer tools",
  camera_muted: "Camera off",
  microphone_muted: "Microphone off",
  camera_replaced: "Camera changed",
  microphone_replaced: "Microphone changed",
  screen_stopped: "Screen sharing stopped",
  disconnected: "Connection lost",
  media_stalled: "Picture interrupted",
  analysis_gap: "Not analysed",
  recording_gap: "Not recorded",
};

/** @type {Record<string, string>} browser signals, as the timeline names them */
const SIGNALS = {
  tab_hidden: "Tab hidden",
  tab_visible: "Tab visible again",
  window_blur: "Window left",
  window_focus: "Window in front again",
  fullscreen_left: "Full screen left",
  fullscreen_entered: "Full screen",
  copy: "Copy",
  cut: "Cut",
  paste: "Paste",
  displays: "Displays",
  shortcut: "Shortcut keys",
  devtools_opened: "Developer tools opened",
  devtools_closed: "Developer tools closed",
  track_muted: "Muted",
  track_unmuted: "Unmuted",
  track_ended: "Stopped",
  track_replaced: "Device changed",
};

/** @type {Record<string, string>} why a detector could not measure */
const BLINDNESS = {
  no_picture: "no picture arrives",
  no_sound: "no sound arrives",
  frozen: "picture is frozen",
  too_dark: "too dark",
  covered: "camera covered",
  face_too_small: "face too small",
  face_turned: "face turned away",
  face_occluded: "face covered",
  no_face: "no face to look at",
  several_faces: "several faces",
  not_enrolled: "no reference picture",
  not_calibrated: "not calibrated yet",
  too_little_speech: "too little speech",
  overloaded: "server overloaded",
  crashed: "analysis restarting",
};

/** @type {Record<string, string>} detectors */
const DETECTORS = {
  faces: "Faces",
  identity: "Identity",
  gaze: "Gaze",
  objects: "Objects",
  speech: "Sound",
  scene: "Picture",
  browser: "Browser",
};

/** @type {Record<string, string>} */
const ACTIONS = {
  message: "Message",
  warn: "Warning",
  pause: "Paused",
  resume: "Resumed",
  extend: "Time added",
  terminate: "Ended",
  flag: "Flagged",
  unflag: "Flag removed",
  talk: "Talked",
};

/** @type {Record<string, string>} */
const STATUSES = {
  none: "Not started",
  running: "Running",
  paused: "Paused",
  terminated: "Ended by a proctor",
  complete: "Handed in",
};

/** @type {Record<string, string>} */
const VERDICTS = { confirmed: "Confirmed", dismissed: "Dismissed", technical: "Technical" };

/** A word we do not know yet is shown as it came, readable. @param {string} word */
const plain = (word) => word.charAt(0).toUpperCase() + word.slice(1).replaceAll("_", " ");

/** @param {string} kind */
export const kindWords = (kind) => KINDS[kind] ?? plain(kind);
/** @param {string} reason */
export const blindnessWords = (reason) => BLINDNESS[reason] ?? plain(reason).toLowerCase();
/** @param {string} detector */
export const detectorWords = (detector) => DETECTORS[detector] ?? plain(detector);
/** @param {string} action */
export const actionWords = (action) => ACTIONS[action] ?? plain(action);
/** @param {string} status */
export const statusWords = (status) => STATUSES[status] ?? plain(status);
/** @param {string} verdict */
export const verdictWords = (verdict) => VERDICTS[verdict] ?? plain(verdict);

/** @param {import("./types").BrowserSignal} signal */
export function signalWords({ kind, detail = {} }) {
  const words = SIGNALS[kind] ?? plain(kind);
  if (kind === "displays") return `${detail.count ?? "?"} displays`;
  if (kind === "shortcut") return `Keys ${detail.keys ?? ""}`;
  if (detail.track) return `${plain(String(detail.track))}: ${words.toLowerCase()}`;
  return words;
}

/**
 * Several reasons why something could not be measured, each said once.
 * @param {Record<string, string>} blind detector -> reason
 */
export function blindSentence(blind) {
  return [...new Set(Object.values(blind))].map(blindnessWords).join(", ");
}

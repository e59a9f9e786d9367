/** Clocks and durations in words and digits. */

/** @param {number} value */
const two = (value) => String(value).padStart(2, "0");

/** 3725 -> "1:02:05", 65 -> "1:05". @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const rest = two(whole % 60);
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** 3725 -> "1 h 2 min", 65 -> "1 min 5 s", 7 -> "7 s". @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole % 60 && whole < 600 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${Math.floor(whole / 60)} min`;
  const minutes = Math.floor((whole % 3600) / 60);
  return minutes ? `${Math.floor(whole / 3600)} h ${minutes} min` : `${Math.floor(whole / 3600)} h`;
}

const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** @param {number} at UNIX seconds @returns {string} "14:03:27", in the reader's time zone */
export function wallClock(at) {
  return timeOfDay.format(at * 1000);
}

/** For `<time datetime>`. @param {number} at */
export function isoTime(at) {
  return new Date(at * 1000).toISOString();
}

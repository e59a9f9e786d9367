/** The time left, by the server's clock; this page only counts between its messages. */

import { byId, setText } from "../dom.js";
import { clock, duration } from "../time.js";

/** Said aloud when this many seconds are left. */
const MARKS = [1800, 600, 300, 60];

export class Timer {
  #left = 0;
  #asOf = 0;
  #runs = false;
  #said = Infinity;

  /** @param {import("../protocol.js").Connection} connection */
  constructor(connection) {
    this.connection = connection;
    setInterval(() => this.#show(), 500);
  }

  /** @param {import("../types").AttemptState} attempt */
  set({ status, time_left_s, now }) {
    this.#left = time_left_s ?? 0;
    this.#asOf = now;
    this.#runs = status === "running";
    byId("time-left").hidden = time_left_s === null || time_left_s === undefined || !["running", "paused"].includes(status);
    this.#show();
  }

  /** Seconds. */
  left() {
    return this.#runs ? Math.max(0, this.#left - (this.connection.now() - this.#asOf)) : this.#left;
  }

  #show() {
    const left = this.left();
    setText(byId("time-left-value"), this.#runs ? clock(left) : `${clock(left)} · paused`);
    const mark = MARKS.filter((one) => left <= one).at(-1) ?? Infinity;
    if (this.#runs && mark < this.#said) {
      if (this.#said !== Infinity || left > mark - 5) setText(byId("time-said"), `${duration(mark)} left`);
      this.#said = mark;
    }
  }
}

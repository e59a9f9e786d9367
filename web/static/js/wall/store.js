/**
 * What the wall knows: a fold of the server's messages, without a page.
 *
 * @typedef {import("../types").IncidentView} Incident
 * @typedef {import("../types").AttemptView & {
 *   incidentsById: Map<string, Incident>,
 *   asOf: number,
 *   fps?: number, loss_percent?: number, rtt_ms?: number | null, candidate?: string, last_frame_at?: number | null,
 * }} Attempt
 */

/** An alert that nobody has looked at still asks for a look this long after it ended (seconds). */
const LINGERS_S = 300;

/** Fires `reset`, `attempt` (detail: id), `incident` (detail: {incident, isNew}) and `event` (detail: EventMessage). */
export class WallStore extends EventTarget {
  /** @type {Map<string, Attempt>} */ attempts = new Map();
  title = "";

  /** @param {import("../protocol.js").Connection} connection */
  constructor(connection) {
    super();
    this.connection = connection;
    connection.on("welcome", ({ exam, attempts, now }) => {
      this.title = exam.title;
      this.attempts = new Map(attempts.map((view) => [view.id, fromView(view, now)]));
      this.#fire("reset", null);
    });
    connection.on("tile", (tile) => this.#tile(tile));
    connection.on("event", (event) => this.#event(event));
  }

  /** Seconds left now, by the server's clock; null where no clock runs yet. @param {Attempt} attempt */
  timeLeft({ time_left_s, status, asOf }) {
    if (time_left_s === null || time_left_s === undefined) return null;
    return status === "running" ? Math.max(0, time_left_s - (this.connection.now() - asOf)) : time_left_s;
  }

  /** Suspicions that ask for a look now, oldest first. @param {Attempt} attempt @returns {Incident[]} */
  alerts(attempt) {
    const now = this.connection.now();
    if (isOver(attempt)) return []; // What is left is for review.
    return [...attempt.incidentsById.values()].filter((incident) => asksForALook(incident, attempt, now));
  }

  /** @param {import("../types").Tile} tile */
  #tile({ type, attempt: id, since, ...changes }) {
    const attempt = this.attempts.get(id);
    if (!attempt) return;
    // Fields left out have their default: without these lines an old value would stay.
    Object.assign(attempt, { hand_raised: false, flagged: false, screen: false, blind: {}, risk: 0, worker: 0 }, changes, {
      state_since: since,
      asOf: this.connection.now(),
    });
    this.#fire("attempt", id);
  }

  /** @param {import("../types").EventMessage} message */
  #event(message) {
    const { event, attempt: id, payload = {} } = message;
    if (event === "attempt.admitted" && payload.view) {
      this.attempts.set(payload.view.id, fromView(payload.view, this.connection.now()));
      this.#fire("reset", null);
    }
    const attempt = id ? this.attempts.get(id) : undefined;
    if (!attempt) return;
    if (event === "incident.judged") this.#judged(attempt, message);
    else if (event.startsWith("incident.")) this.#incident(attempt, /** @type {Incident} */ (payload));
    this.#fire("event", message);
    this.#fire("attempt", attempt.id);
  }

  /** @param {Attempt} attempt @param {Incident} payload */
  #incident(attempt, payload) {
    const before = attempt.incidentsById.get(payload.id);
    const incident = { ...payload, attempt: attempt.id, verdict: before?.verdict, verdict_by: before?.verdict_by };
    attempt.incidentsById.set(incident.id, incident);
    this.#fire("incident", { incident, isNew: !before });
  }

  /** @param {Attempt} attempt @param {import("../types").EventMessage} message */
  #judged(attempt, { payload = {}, actor }) {
    const incident = attempt.incidentsById.get(payload.id);
    if (!incident) return;
    Object.assign(incident, { verdict: payload.verdict ?? null, verdict_by: actor });
    this.#fire("incident", { incident, isNew: false });
  }

  /** @param {string} name @param {unknown} detail */
  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** @param {import("../types").AttemptView} view @param {number} now @returns {Attempt} */
function fromView(view, now) {
  return { ...view, asOf: now, incidentsById: new Map((view.incidents ?? []).map((one) => [one.id, one])) };
}

/** Medium and high interrupt a proctor. @param {Incident} incident */
export function isAlert({ severity, announced = true }) {
  return announced && (severity === "medium" || severity === "high");
}

/** @param {Incident} incident @param {Attempt} attempt @param {number} now */
function asksForALook(incident, attempt, now) {
  if (!isAlert(incident) || incident.category !== "suspicion" || incident.verdict) return false;
  if (!incident.ended_at) return true;
  return (attempt.looked_at ?? 0) < incident.started_at && now - incident.ended_at < LINGERS_S;
}

/** @param {Attempt} attempt */
export function isOver({ status }) {
  return status === "terminated" || status === "complete";
}

/** Something cannot be seen or heard. @param {Attempt} attempt */
export function isTechnical(attempt) {
  const { state = "absent", status, blind = {} } = attempt;
  if (isOver(attempt)) return false;
  if (state === "frozen" || state === "reconnecting") return true;
  if (state === "absent") return status === "running" || status === "paused";
  const open = [...attempt.incidentsById.values()].some((one) => one.category === "technical" && !one.ended_at);
  return open || faults(blind).length > 0;
}

/** Reasons that follow from where the student looks or from the beginning, and are no fault of the equipment. */
const ORDINARY_BLINDNESS = new Set([
  "no_face", "several_faces", "face_turned", "face_occluded", "not_calibrated", "not_enrolled", "too_little_speech",
]);

/** @param {Record<string, string>} blind @returns {string[]} reasons a person could mend, each once */
export function faults(blind) {
  return [...new Set(Object.values(blind))].filter((reason) => !ORDINARY_BLINDNESS.has(reason));
}

/** The wire as TypeScript sees it: the twin of `signaling/messages.py`. Times are UNIX seconds. */

export type AttemptStatus = "none" | "running" | "paused" | "terminated" | "complete";
export type TileState = "absent" | "connecting" | "live" | "frozen" | "reconnecting" | "ended";
export type Severity = "info" | "low" | "medium" | "high";
export type Category = "suspicion" | "technical";
export type Verdict = "confirmed" | "dismissed" | "technical";
export type WatchRole = "main" | "low" | "screen" | "audio" | "annotated";
export type PublishRole = "main" | "low" | "screen" | "audio";
export type Action = "message" | "warn" | "pause" | "resume" | "terminate" | "flag" | "unflag" | "extend";

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
  label: string;
  score?: number;
}

export interface IncidentView {
  id: string;
  attempt: string;
  kind: string;
  severity: Severity;
  category: Category;
  started_at: number;
  ended_at?: number | null;
  confidence?: number;
  findings?: number;
  evidence?: string | null;
  announced?: boolean;
  verdict?: Verdict | null;
  verdict_by?: string | null;
}

export interface AttemptView {
  id: string;
  name: string;
  status: AttemptStatus;
  seat?: string;
  worker?: number;
  state?: TileState;
  state_since?: number;
  time_left_s?: number | null;
  hand_raised?: boolean;
  flagged?: boolean;
  risk?: number;
  blind?: Record<string, string>;
  screen?: boolean;
  incidents?: IncidentView[];
  looked_at?: number | null;
}

export interface Tile {
  type: "tile";
  attempt: string;
  state: TileState;
  since: number;
  status: AttemptStatus;
  risk?: number;
  time_left_s?: number | null;
  hand_raised?: boolean;
  flagged?: boolean;
  screen?: boolean;
  worker?: number;
  blind?: Record<string, string>;
  fps?: number;
  loss_percent?: number;
  rtt_ms?: number | null;
  candidate?: string;
  last_frame_at?: number | null;
  looked_at?: number | null;
}

export interface Warning {
  id: string;
  action?: Action;
  text: string;
  at: number;
}

export interface AttemptState {
  id: string;
  status: AttemptStatus;
  now: number;
  time_left_s?: number | null;
  consented?: boolean;
  enrolled?: boolean;
  hand_raised?: boolean;
  pause_text?: string;
  unacknowledged?: Warning[];
}

export interface StudentExam {
  id: string;
  title: string;
  duration_s: number;
  screen?: boolean;
  fullscreen?: boolean;
  consent: { version: string; html: string };
}

export interface StudentWelcome {
  type: "welcome";
  protocol: number;
  seq: number;
  exam: StudentExam;
  attempt: AttemptState;
  ice_servers?: RTCIceServer[];
}

export interface ProctorWelcome {
  type: "welcome";
  protocol: number;
  seq: number;
  now: number;
  exam: { id: string; title: string; duration_s: number };
  user: { id: string; name: string; role?: string };
  workers: number[];
  attempts: AttemptView[];
  ice_servers?: RTCIceServer[];
}

export interface EventMessage {
  type: "event";
  seq: number;
  at: number;
  event: string;
  attempt?: string | null;
  payload?: Record<string, any>;
  actor?: string | null;
}

export interface Seen {
  type: "seen";
  face: "one" | "none" | "several" | "unknown";
  light: "ok" | "dark" | "unknown";
  sound: "quiet" | "speech" | "unknown";
  blind?: Record<string, string>;
  notes?: string[];
}

export interface InterventionMessage {
  type: "intervention";
  id: string;
  action: Action;
  at: number;
  text?: string;
  acknowledge?: boolean;
}

export interface Mapping {
  type: "mapping";
  watcher: string;
  mid: string;
  attempt: string;
  track: WatchRole;
  rtp_offset: number;
  width?: number | null;
  height?: number | null;
}

export interface Overlay {
  type: "overlay";
  attempt: string;
  rtp: number;
  boxes: Box[];
  points?: [number, number][];
  gaze?: [number, number, number, number] | null;
}

export interface Published { type: "published"; re: number; sdp: string }
export interface Watching { type: "watching"; re: number; watcher: string; sdp: string }
export interface Ok { type: "ok"; re: number; result?: Record<string, any> }
export interface ProblemMessage { type: "problem"; re: number; problem: string; title: string }
export interface Pong { type: "pong"; t?: number; now?: number }
export interface Bye { type: "bye"; reason: string; reconnect?: boolean }
export interface AttemptMessage { type: "attempt"; attempt: AttemptState }
export interface Content { type: "content"; html?: string | null }
export interface MediaState {
  type: "media";
  state: "live" | "stalled" | "republish";
  tracks?: Record<string, boolean>;
}
export interface TalkState { type: "talking"; on: boolean; who?: string }
export interface WorkerState { type: "worker"; worker: number; state: "up" | "down" }

export interface ServerMessages {
  ok: Ok;
  problem: ProblemMessage;
  pong: Pong;
  bye: Bye;
  event: EventMessage;
  welcome: StudentWelcome & ProctorWelcome;
  attempt: AttemptMessage;
  content: Content;
  published: Published;
  media: MediaState;
  seen: Seen;
  intervention: InterventionMessage;
  talking: TalkState;
  tile: Tile;
  watching: Watching;
  mapping: Mapping;
  overlay: Overlay;
  worker: WorkerState;
}
export type ServerMessage = ServerMessages[keyof ServerMessages];

/** What a request type is answered with; everything else is answered with `ok`. */
export interface Answers {
  publish: Published;
  watch: Watching;
}
export type AnswerOf<T extends string> = T extends keyof Answers ? Answers[T] : Ok;

/* The review page's data, from GET /api/attempts/{id}/timeline. */

export interface Segment {
  n: number;
  track: "main" | "screen";
  started_at: number;
  ended_at: number;
  url: string;
  thumbnail?: string | null;
}
export interface Gap { started_at: number; ended_at: number | null; reason: string }
export interface BrowserSignal { at: number; kind: string; detail?: Record<string, string | number | boolean> }
export interface InterventionRecord {
  id: string;
  kind: string;
  at: number;
  actor?: string | null;
  reason?: string;
  text?: string;
  acknowledged_at?: number | null;
}
export interface StatusChange { at: number; status: AttemptStatus }
export interface ReviewIncident extends IncidentView { verdict_reason?: string }
export interface Timeline {
  now: number;
  attempt: {
    id: string;
    name: string;
    status: AttemptStatus;
    started_at: number | null;
    ended_at: number | null;
  };
  /** The one seekable file, in which a moment `at` lies at `at - started_at`; null while there is none (the
   * attempt is live, or nothing was recorded). */
  recording: { url: string; started_at: number } | null;
  segments: Segment[];
  gaps: Gap[];
  incidents: ReviewIncident[];
  signals: BrowserSignal[];
  interventions: InterventionRecord[];
  statuses: StatusChange[];
}

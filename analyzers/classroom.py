"""All students of one analysis process: who is looked at next, and what is done with each message.

Synchronous; one thread works here. Fair between students by the time they cost; sheds load by rates.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable

from analyzers.inbox import Gap, Item
from analyzers.perception import Perception
from analyzers.schedule import FairShare, LoadShedder
from analyzers.student import LiveStudent, Say
from core.errors import ProctorError
from transport.messages import (
    AnnotatedWanted,
    EmbedFace,
    FaceEmbedding,
    FeedEnded,
    ForgetStudent,
    KeyframeWanted,
    Packet,
    StudentProfile,
    WantOverlay,
)

log = logging.getLogger(__name__)

TICK_S = 0.5


class Classroom:
    """`say` is given what is to be sent; `clock` is UNIX time, that of the packets' `captured_at`."""

    def __init__(self, perception: Perception, say: Say, clock: Callable[[], float] = time.time) -> None:
        self._perception = perception
        self._say = say
        self._clock = clock
        self._students: dict[str, LiveStudent] = {}
        self._profiles: dict[str, StudentProfile] = {}
        self._watched: set[str] = set()
        """Attempts whose annotated track somebody watches, known here or not yet."""
        self._fair = FairShare[str]()
        self._shedder = LoadShedder()
        self._ticked_at = float("-inf")
        self._lags: deque[float] = deque(maxlen=256)
        self._past: Counter[str] = Counter()

    def take(self, item: Item) -> FaceEmbedding | None:
        """Do what a message says. Raises ProctorError where a request cannot be granted."""
        match item:
            case Packet() | Gap() | FeedEnded():
                self._feed(item)
            case StudentProfile():
                self._brief(item)
            case ForgetStudent():
                self._forget(item.attempt_id)
            case WantOverlay():
                if student := self._students.get(item.attempt_id):
                    student.overlay_wanted = item.wanted
            case AnnotatedWanted():
                self._want_annotated(item)
            case KeyframeWanted():
                if student := self._students.get(item.attempt_id):
                    student.want_annotated_keyframe()
            case EmbedFace():
                return self._embed(item)
            case _:
                log.warning("not for analysis", extra={"kind": type(item).__name__})
        return None

    def work(self) -> bool:
        """One student's detectors look at one picture; False where none has anything to look at."""
        ready = [attempt_id for attempt_id, student in self._students.items() if student.ready]
        chosen = self._fair.pick(ready)
        if chosen is None:
            return False
        student = self._students[chosen]
        started = time.perf_counter()
        try:
            self._lags.append(max(0.0, self._clock() - student.look()))
        except Exception:
            self._crashed(student)
        self._fair.charge(chosen, time.perf_counter() - started)
        return True

    def tick(self) -> None:
        """Call often; does something twice a second."""
        now = self._clock()
        if 0 <= now - self._ticked_at < TICK_S:
            return
        self._ticked_at = now
        for student in list(self._students.values()):
            try:
                student.tick(now)
            except Exception:
                self._crashed(student)

    def note(self, worked_s: float, now: float) -> None:
        """How long the thread has just worked; `now` on a monotonic clock."""
        lag = self._lags[-1] if self._lags else 0.0
        if self._shedder.note(worked_s, lag, now):
            log.info("load", extra={"level": self._shedder.level, "busy": round(self._shedder.busy_share, 2)})
            for student in self._students.values():
                student.pipeline.schedule.shed(self._shedder.factors)

    def counters(self) -> dict[str, float]:
        """For WorkerStats: sums since the start, and how things are now."""
        total = Counter(self._past)
        for student in self._students.values():
            total.update(student.counters)
        lags = sorted(self._lags)
        return {
            **{name: float(count) for name, count in total.items()},
            "students": float(len(self._students)),
            "load.level": float(self._shedder.level),
            "load.busy": round(self._shedder.busy_share, 3),
            "lag.p50_ms": _percentile_ms(lags, 0.5),
            "lag.p95_ms": _percentile_ms(lags, 0.95),
        }

    def _feed(self, item: Packet | Gap | FeedEnded) -> None:
        student = self._students.get(item.attempt_id)
        if student is None:
            self._past["packets.unknown"] += 1
            return
        try:
            if isinstance(item, Packet):
                student.packet(item, self._clock())
            else:
                student.interrupt(self._clock())
        except Exception:
            self._crashed(student)

    def _brief(self, profile: StudentProfile) -> None:
        """Somebody new, or somebody with another profile. Raises BadSettings and changes nothing."""
        pipeline = self._perception.student(profile)
        pipeline.schedule.shed(self._shedder.factors)
        self._profiles[profile.attempt_id] = profile
        if known := self._students.get(profile.attempt_id):
            known.change(pipeline)
            return
        student = LiveStudent(profile.attempt_id, pipeline, self._say)
        student.want_annotated(profile.attempt_id in self._watched)
        self._students[profile.attempt_id] = student

    def _forget(self, attempt_id: str) -> None:
        student = self._students.pop(attempt_id, None)
        self._profiles.pop(attempt_id, None)
        self._watched.discard(attempt_id)
        self._fair.forget(attempt_id)
        if student is not None:
            student.close(self._clock())
            self._past.update(student.counters)

    def _want_annotated(self, message: AnnotatedWanted) -> None:
        if message.wanted:
            self._watched.add(message.attempt_id)
        else:
            self._watched.discard(message.attempt_id)
        if student := self._students.get(message.attempt_id):
            student.want_annotated(message.wanted)

    def _embed(self, request: EmbedFace) -> FaceEmbedding:
        enrolment, box = self._perception.enrol(request.jpeg)
        return FaceEmbedding(enrolment.embedding.tolist(), enrolment.quality, box)

    def _crashed(self, student: LiveStudent) -> None:
        log.exception("a detector failed", extra={"attempt": student.attempt_id})
        self._past["crashes"] += 1
        try:
            student.crashed(self._perception.student(self._profiles[student.attempt_id]), self._clock())
        except ProctorError:
            log.exception("a student cannot be watched any more", extra={"attempt": student.attempt_id})
            self._forget(student.attempt_id)


def _percentile_ms(ordered: list[float], share: float) -> float:
    if not ordered:
        return 0.0
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)

"""Clips of simulated students: composed once from real pictures and voices, kept in the cache.

    clip = ensure("phone")
    clip.video          # WebM: VP8 640x480@15 and Opus; what a student sends, what `analyze` reads
    clip.events         # the truth: what is to be seen and heard, when, where

A clip's folder is named after a hash of everything it is made from, so a changed recipe is composed
anew and an old one is never mistaken for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from core.kinds import Kind
from simulation import media
from simulation.encode import encode_camera, encode_mjpeg, encode_wav, write_jpeg
from simulation.people import Image, film, person
from simulation.scenes import (
    BEAT,
    BEGINS,
    ENDS,
    FPS,
    SECONDS,
    Alone,
    Covered,
    Darkened,
    Filmed,
    Frozen,
    Replaced,
    Scene,
    Sensor,
    Span,
    Visited,
    WithPhone,
)  # fmt: skip
from simulation.speech import Sound, clatter, mixed, room_tone, voice

TALK_S = ENDS - BEGINS


@dataclass(frozen=True, slots=True)
class Clip:
    """Files of one clip. It loops; from 0 to `calm_s` nothing happens, and that part loops too."""

    name: str
    seconds: float
    calm_s: float
    events: tuple[Span, ...]
    folder: Path

    @property
    def video(self) -> Path:
        """WebM: main track and sound."""
        return self.folder / "main.webm"

    @property
    def low(self) -> Path:
        """WebM: the low track."""
        return self.folder / "low.webm"

    @property
    def enrolment(self) -> Path:
        """JPEG of the student, for the identity check."""
        return self.folder / "enrolment.jpg"

    def camera(self) -> Path:
        """For Chromium's --use-file-for-fake-video-capture; composed at the first call."""
        file = self.folder / "camera.mjpeg"
        with _locked(self.name):
            if not file.exists():
                part = file.with_suffix(".part")
                for _ in encode_mjpeg(part, _pictures(_RECIPES[self.name].scene())):
                    pass
                part.replace(file)
        return file

    def microphone(self) -> Path:
        """For Chromium's --use-file-for-fake-audio-capture; written at the first call."""
        file = self.folder / "microphone.wav"
        with _locked(self.name):
            if not file.exists():
                part = file.with_suffix(".part")
                encode_wav(part, _RECIPES[self.name].sound())
                part.replace(file)
        return file


def _quiet() -> Sound:
    return room_tone(SECONDS)


def _talking(number: int, start: float = BEGINS, seconds: float = TALK_S) -> tuple[float, Sound]:
    return start, voice(number)[: round(seconds * 16_000)]


def _heard(kind: Kind, start: float = BEGINS, seconds: float = TALK_S) -> Span:
    return Span(kind, start, start + seconds)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a clip is made; `scene` and `sound` are called when it is."""

    what: str
    media: frozenset[str]
    scene: Callable[[], Scene]
    sound: Callable[[], Sound] = _quiet
    heard: tuple[Span, ...] = ()
    calm_s: float = BEAT


def _sitter() -> Scene:
    return Alone(person("portrait-1"))


_RECIPES: dict[str, Recipe] = {
    "normal": Recipe("a student who works quietly", frozenset({"portrait-1"}), _sitter, calm_s=SECONDS),
    "absent": Recipe(
        "leaves for ten seconds", frozenset({"obama"}), lambda: Alone(person("obama"), leaves=True)
    ),
    "second": Recipe(
        "a second person comes in and talks", frozenset({"portrait-2", "obama", "voice-2"}),
        lambda: Visited(person("portrait-2"), person("obama")),
        lambda: mixed(_quiet(), _talking(2, BEGINS + 1.5, TALK_S - 2)),
        (_heard(Kind.SPEECH, BEGINS + 1.5, TALK_S - 2),),
    ),
    "other": Recipe(
        "another person sits down instead", frozenset({"biden", "obama"}),
        lambda: Replaced(person("biden"), person("obama")),
    ),
    "phone": Recipe(
        "takes out a phone", frozenset({"portrait-3"}), lambda: WithPhone(person("portrait-3"))
    ),
    "speech": Recipe(
        "talks", frozenset({"carphone", "voice-1"}), lambda: Filmed(tuple(film("carphone"))),
        lambda: mixed(_quiet(), _talking(1)), (_heard(Kind.SPEECH),),
    ),
    "voices": Recipe(
        "talks, and somebody else answers", frozenset({"carphone", "voice-1", "voice-2"}),
        lambda: Filmed(tuple(film("carphone"))),
        lambda: mixed(_quiet(), _talking(1, 1, 14), _talking(2, 17, 12)),
        (_heard(Kind.SPEECH, 1, 14), _heard(Kind.SPEECH, 17, 12), _heard(Kind.SECOND_VOICE, 17, 12)),
        calm_s=SECONDS,
    ),
    "noise": Recipe(
        "loud noise without a voice", frozenset({"portrait-1"}), _sitter,
        lambda: mixed(_quiet(), (BEGINS, clatter(TALK_S))), (_heard(Kind.NOISE),),
    ),
    "dark": Recipe("the light goes off", frozenset({"portrait-1"}), lambda: Darkened(_sitter())),
    "covered": Recipe("a hand covers the lens", frozenset({"portrait-1"}), lambda: Covered(_sitter())),
    "frozen": Recipe("the camera hangs", frozenset({"portrait-1"}), lambda: Frozen(_sitter())),
}  # fmt: skip
DEMO = ("normal", "absent", "second", "other", "phone")


def names() -> dict[str, str]:
    """Every clip and what happens in it."""
    return {name: recipe.what for name, recipe in _RECIPES.items()}


def obtainable() -> dict[str, str]:
    """Clips whose pictures and sounds are here, or can be asked for with the clients installed here."""
    have = media.obtainable()
    return {name: recipe.what for name, recipe in _RECIPES.items() if recipe.media <= have}


def ensure(name: str, progress: Callable[[int, int], None] | None = None) -> Clip:
    """The clip, fetched and composed first where needed (a few seconds). Blocks.

    `progress` is told (frames done, frames in all). Raises MissingMedia, KeyError for an unknown name.
    """
    recipe = _RECIPES[name]
    folder = media.cache_dir() / "clips" / f"{name}-{_recipe_hash()}"
    with _locked(name):
        if not folder.is_dir():
            for needed in sorted(recipe.media):
                media.ensure(needed)
            _compose(name, recipe, folder, progress)
    spans = tuple(sorted((*recipe.scene().spans, *recipe.heard), key=lambda span: span.start))
    return Clip(name, SECONDS, recipe.calm_s, spans, folder)


def ensure_all(
    wanted: Iterable[str], console: Console | None = None
) -> Mapping[str, Clip | media.MissingMedia]:
    """Several clips, two at a time, with a progress bar each; a clip that cannot be had is its error."""
    order = list(dict.fromkeys(wanted))
    failed = media.ensure_all({file for name in order for file in _RECIPES[name].media}, console)
    with _progress(console) as bars, ThreadPoolExecutor(2) as pool:

        def make(name: str) -> Clip | media.MissingMedia:
            if lacking := next(
                (failed[file] for file in sorted(_RECIPES[name].media) if file in failed), None
            ):
                return lacking
            bar = bars.add_task(f"composing {name}", total=None)
            clip = ensure(name, lambda done, total: bars.update(bar, completed=done, total=total))
            bars.update(bar, total=1, completed=1)
            return clip

        return dict(zip(order, pool.map(make, order), strict=True))


def _progress(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=30), TimeRemainingColumn(),
        console=console, disable=console is None, transient=True,
    )  # fmt: skip


def _compose(name: str, recipe: Recipe, folder: Path, progress: Callable[[int, int], None] | None) -> None:
    """Write a clip's files into a folder that appears complete or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{name}-"))
    try:
        scene = recipe.scene()
        total = round(SECONDS * FPS)
        write_jpeg(part / "enrolment.jpg", Sensor(scene).frame(0))
        files = part / "main.webm", part / "low.webm"
        for done in encode_camera(*files, _pictures(scene), recipe.sound()):
            if progress:
                progress(done, total)
        part.chmod(0o755)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _pictures(scene: Scene) -> Iterator[Image]:
    camera = Sensor(scene)
    return (camera.frame(n / FPS) for n in range(round(SECONDS * FPS)))


@cache
def _recipe_hash() -> str:
    """Of all that clips are made from: this room's source and the manifest of pictures."""
    here = Path(__file__).parent
    sources = ("clips.py", "people.py", "scenes.py", "speech.py", "encode.py", "media.toml")
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in sources)).hexdigest()[:12]


@contextmanager
def _locked(name: str) -> Iterator[None]:
    folder = media.cache_dir() / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

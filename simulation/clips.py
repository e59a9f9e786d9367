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
from itertools import chain
from pathlib import Path
from typing import ClassVar

import av
import cv2
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from core.errors import ProctorError
from simulation import media
from simulation.encode import (
    SCREEN_FPS,
    SCREEN_SIZE,
    encode_camera,
    encode_mjpeg,
    encode_screen,
    encode_wav,
    write_jpeg,
)
from simulation.footage import UnplayableFile, length_of, pictures_of, sound_of
from simulation.people import Image
from simulation.recipes import DEMO, RECIPES
from simulation.scenes import FPS, SECONDS, Scene, Sensor, Span, desktop
from simulation.speech import Sound

__all__ = [
    "DEMO",
    "Clip",
    "UnknownClip",
    "ensure",
    "ensure_all",
    "find",
    "from_file",
    "names",
    "obtainable",
    "screen",
]

Told = Callable[[int, int], None]
"""Called with pictures done and in all."""


class UnknownClip(ProctorError):
    id: ClassVar[str] = "unknown-clip"
    status: ClassVar[int] = 404
    sentence: ClassVar[str] = "There is no clip or file {name}. Clips: {known}."


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
        """For Chromium's --use-file-for-fake-video-capture; made at the first call."""
        return self._once("camera.mjpeg", lambda part: _exhaust(encode_mjpeg(part, _pictures_again(self))))

    def microphone(self) -> Path:
        """For Chromium's --use-file-for-fake-audio-capture; made at the first call."""
        return self._once("microphone.wav", lambda part: encode_wav(part, _sound_again(self)))

    def _once(self, name: str, make: Callable[[Path], None]) -> Path:
        file = self.folder / name
        with _locked(self.folder.name):
            if not file.exists():
                part = self.folder / f".{name}"
                make(part)
                part.replace(file)
        return file


def names() -> dict[str, str]:
    """Every clip and what happens in it."""
    return {name: recipe.what for name, recipe in RECIPES.items()}


def obtainable() -> dict[str, str]:
    """Clips whose pictures are here, or can be asked for with the clients installed here."""
    have = media.obtainable()
    return {name: recipe.what for name, recipe in RECIPES.items() if have.issuperset(recipe.cast)}


def find(name: str, progress: Told | None = None) -> Clip:
    """A clip by name, or made from a media file by path. Blocks.

    Raises UnknownClip, MissingMedia, UnplayableFile.
    """
    if name in RECIPES:
        return ensure(name, progress)
    if Path(name).is_file():
        return from_file(Path(name), progress)
    raise UnknownClip(name=name, known=", ".join(RECIPES))


def ensure(name: str, progress: Told | None = None) -> Clip:
    """The clip, fetched and composed first where needed (a few seconds). Blocks.

    Raises MissingMedia, KeyError for an unknown name.
    """
    recipe = RECIPES[name]
    cast = recipe.cast
    folder = _clips_dir() / f"{name}-{_recipes_hash('-'.join(cast))}"
    for needed in cast:
        media.ensure(needed)
    scene = recipe.scene(*cast)
    with _locked(folder.name):
        if not folder.is_dir():
            _compose(folder, _filmed(scene), recipe.sound(), round(SECONDS * FPS), progress)
    spans = tuple(sorted((*scene.spans, *recipe.heard), key=lambda span: span.start))
    return Clip(name, SECONDS, recipe.calm_s, spans, folder)


def from_file(path: Path, progress: Told | None = None) -> Clip:
    """Any media file as a student's camera and microphone, its events unknown. Raises UnplayableFile."""
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    folder = _clips_dir() / f"file-{_recipes_hash(content)}"
    with _locked(folder.name):
        if not folder.is_dir():
            length = length_of(path)
            _compose(folder, pictures_of(path), sound_of(path, length), round(length * FPS), progress)
    with av.open(str(folder / "main.webm")) as container:
        seconds = round((container.duration or 0) / 1e6 * FPS) / FPS
    return Clip(path.name, seconds, seconds, (), folder)


def screen() -> Path:
    """WebM of a shared screen, ten seconds that loop. Raises MissingMedia."""
    page = cv2.imread(str(media.ensure("screen-photo")), cv2.IMREAD_COLOR)
    file = _clips_dir() / f"screen-{_recipes_hash('screen')}.webm"
    with _locked(file.stem):
        if not file.exists():
            part = file.with_suffix(".part")
            encode_screen(part, desktop(np.asarray(page, np.uint8), SCREEN_SIZE, 10 * SCREEN_FPS))
            part.replace(file)
    return file


def ensure_all(
    wanted: Iterable[str], console: Console | None = None
) -> Mapping[str, Clip | media.MissingMedia]:
    """Several clips, two at a time, with a progress bar each; a clip that cannot be had is its error."""
    order = list(dict.fromkeys(wanted))
    files = {name: frozenset(RECIPES[name].cast) | RECIPES[name].voices for name in order}
    media.ensure_all(frozenset().union(*files.values()), console)
    with _progress(console) as bars, ThreadPoolExecutor(2) as pool:

        def make(name: str) -> Clip | media.MissingMedia:
            bar = bars.add_task(f"composing {name}", total=None)
            try:
                return ensure(name, lambda done, total: bars.update(bar, completed=done, total=total))
            except media.MissingMedia as missing:
                return missing
            finally:
                bars.update(bar, total=1, completed=1)

        return dict(zip(order, pool.map(make, order), strict=True))


def _progress(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TimeRemainingColumn(),
        console=console,
        disable=console is None,
        transient=True,
    )


def _compose(
    folder: Path, pictures: Iterator[Image], sound: Sound, total: int, progress: Told | None
) -> None:
    """Write a clip's files into a folder that appears complete or not at all."""
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making-"))
    try:
        first = next(pictures, None)
        if first is None:
            raise UnplayableFile(path=folder.name, reason="it holds no pictures.")
        write_jpeg(part / "enrolment.jpg", first)
        files = part / "main.webm", part / "low.webm"
        for done in encode_camera(*files, chain([first], pictures), sound):
            if progress:
                progress(done, total)
        part.chmod(0o755)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _filmed(scene: Scene) -> Iterator[Image]:
    camera = Sensor(scene)
    return (camera.frame(n / FPS) for n in range(round(SECONDS * FPS)))


def _pictures_again(clip: Clip) -> Iterator[Image]:
    """As composed; of a file what was made of it."""
    recipe = RECIPES.get(clip.name)
    return _filmed(recipe.scene(*recipe.cast)) if recipe else pictures_of(clip.video)


def _sound_again(clip: Clip) -> Sound:
    recipe = RECIPES.get(clip.name)
    return recipe.sound() if recipe else sound_of(clip.video, clip.seconds)


def _exhaust(steps: Iterator[int]) -> None:
    for _ in steps:
        pass


@cache
def _recipes_hash(what: str) -> str:
    """Of `what` and of all that clips are made with: this room's source and the manifest of pictures."""
    here = Path(__file__).parent
    sources = ("recipes.py", "people.py", "scenes.py", "speech.py", "encode.py", "footage.py", "media.toml")
    content = b"".join((here / name).read_bytes() for name in sources)
    return hashlib.sha256(content + what.encode()).hexdigest()[:12]


def _clips_dir() -> Path:
    folder = media.cache_dir() / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _locked(name: str) -> Iterator[None]:
    with (_clips_dir() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

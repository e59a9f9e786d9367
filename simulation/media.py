"""Pictures and sound for simulated students, fetched from registry packages into a cache.

`media.toml` names every file, the package it lies in, and the checksums of both. A file is fetched
the first time it is asked for and kept in `INVIGIL_CACHE_DIR` (default `~/.cache/invigil`). Several
processes may ask at once: the first fetches, the others wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from core.errors import ProctorError

FETCH_TIMEOUT_S = 300
_MANIFEST = Path(__file__).with_name("media.toml")


class MissingMedia(ProctorError):
    """A picture or sound is neither in the cache nor can it be fetched now."""

    id = "missing-media"
    status = 503
    sentence = "{name} ({what}) is missing and could not be fetched: {reason}"


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned registry package; `sha256` is its archive's."""

    key: str
    kind: Literal["npm", "wheel", "sdist"]
    name: str
    version: str
    licence: str
    sha256: str

    @property
    def client(self) -> str:
        return "npm" if self.kind == "npm" else "pip"


@dataclass(frozen=True, slots=True)
class MediaFile:
    """One file taken out of a package."""

    name: str
    what: str
    package: Package
    member: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies in the cache; the checksum in the name makes a changed manifest fetch anew."""
        return cache_dir() / "media" / f"{self.name}-{self.sha256[:12]}{Path(self.member).suffix}"


def cache_dir() -> Path:
    return Path(os.environ.get("INVIGIL_CACHE_DIR") or Path.home() / ".cache" / "invigil")


@cache
def manifest() -> Mapping[str, MediaFile]:
    """Every file there is, by name."""
    tables = tomllib.loads(_MANIFEST.read_text())
    packages = {key: Package(key=key, **table) for key, table in tables["packages"].items()}
    return {
        name: MediaFile(name, table["what"], packages[table["package"]], table["member"], table["sha256"])
        for name, table in tables["files"].items()
    }


def available() -> frozenset[str]:
    """Names already in the cache."""
    return frozenset(name for name, file in manifest().items() if file.path.is_file())


def obtainable() -> frozenset[str]:
    """Names in the cache, and those whose package has a client here (npm may be absent)."""
    clients = {"pip"} | ({"npm"} if shutil.which("npm") else set())
    return available() | {name for name, file in manifest().items() if file.package.client in clients}


def ensure(name: str) -> Path:
    """The file's path, fetched first where needed. Blocks; raises MissingMedia."""
    file = manifest()[name]
    if not file.path.is_file():
        _fetch(file)
    return file.path


def ensure_all(names: Iterable[str], console: Console | None = None) -> Mapping[str, MissingMedia]:
    """Fetch what is missing of `names`, a progress line a package; answers what could not be had."""
    missing = [manifest()[name] for name in sorted(set(names)) if not manifest()[name].path.is_file()]
    failed: dict[str, MissingMedia] = {}
    if not missing:
        return failed
    packages = sorted({file.package.key: file.package for file in missing}.values(), key=lambda p: p.key)
    with _progress(console) as progress:
        for package in packages:
            bar = progress.add_task(f"fetching {package.name} {package.version}", total=None)
            for file in (file for file in missing if file.package is package):
                try:
                    ensure(file.name)
                except MissingMedia as error:
                    failed[file.name] = error
            progress.update(bar, total=1, completed=1)
    return failed


def _progress(console: Console | None) -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20),
        console=console, disable=console is None,
    )  # fmt: skip


def _fetch(wanted: MediaFile) -> None:
    """Take every file of the wanted one's package out of its archive into the cache."""
    target = wanted.path.parent
    try:
        target.mkdir(parents=True, exist_ok=True)
        with _locked(target / f".{wanted.package.key}.lock"):
            if wanted.path.is_file():  # another process was faster
                return
            with tempfile.TemporaryDirectory(dir=target, prefix=".fetch-") as folder:
                archive = _download(wanted.package, Path(folder))
                _unpack(archive, [file for file in manifest().values() if file.package == wanted.package])
    except (_FetchFailed, OSError) as error:
        raise MissingMedia(name=wanted.name, what=wanted.what, reason=str(error)) from error


class _FetchFailed(Exception):
    """The reason, as a sentence for people."""


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(package: Package, folder: Path) -> Path:
    """The package's archive, its checksum proved."""
    command = _npm_command(package, folder) if package.kind == "npm" else _pip_command(package, folder)
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _FetchFailed(f"{package.client} took longer than {FETCH_TIMEOUT_S} s.") from None
    archives = [path for path in folder.iterdir() if path.suffix in (".gz", ".tgz", ".whl")]
    if done.returncode or len(archives) != 1:
        raise _FetchFailed(
            f"{package.client} could not get {package.name} {package.version} "
            f"(is this machine offline?): {_last_words(done.stderr)}"
        )
    _prove(archives[0].read_bytes(), package.sha256, f"{package.name} {package.version}")
    return archives[0]


def _npm_command(package: Package, folder: Path) -> list[str]:
    if not shutil.which("npm"):
        raise _FetchFailed(f"it lies in the npm package {package.name}, and npm is not installed.")
    return ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{package.name}@{package.version}"]


def _pip_command(package: Package, folder: Path) -> list[str]:
    """pip runs an sdist's build description, so it is told the checksum and refuses any other archive."""
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    form = "--only-binary" if package.kind == "wheel" else "--no-binary"
    return [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
        "--no-deps", form, ":all:", "--dest", str(folder), "--requirement", str(pinned),
    ]  # fmt: skip


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and "WARNING" not in line]
    return lines[-1] if lines else "no reason given"


def _unpack(archive: Path, files: Iterable[MediaFile]) -> None:
    """Only the named members are read, and written under our own names: no path of the archive is used."""
    for file in files:
        data = _member(archive, file.member)
        _prove(data, file.sha256, f"{file.member} in {archive.name}")
        with tempfile.NamedTemporaryFile(dir=file.path.parent, delete=False) as part:
            try:
                part.write(data)
                part.flush()
                os.fsync(part.fileno())
                Path(part.name).chmod(0o644)
                Path(part.name).replace(file.path)
            except OSError:
                with suppress(OSError):
                    Path(part.name).unlink()
                raise


def _member(archive: Path, member: str) -> bytes:
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(member)
        with tarfile.open(archive) as tar:
            stream = tar.extractfile(member)
            if stream is None:
                raise KeyError(member)
            return stream.read()
    except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise _FetchFailed(f"{archive.name} holds no {member}.") from error


def _prove(data: bytes, sha256: str, what: str) -> None:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _FetchFailed(f"{what} has another checksum than the pinned one.")

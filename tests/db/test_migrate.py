"""The schema is made, kept up to date, and refused where it is not ours to touch."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from setuptools import find_packages
from sqlalchemy import Connection, inspect, text

from core.errors import BadSettings
from db import migrate
from db.base import Base
from db.engine import make_engines, parse_url

ROOT = Path(__file__).parents[2]


async def test_upgrades_an_empty_database_and_says_where_it_is(empty_url: str) -> None:
    await migrate.upgrade(empty_url)
    await migrate.upgrade(empty_url)

    assert await migrate.current(empty_url) == migrate.head()
    await migrate.check(empty_url)


async def test_migrations_make_exactly_what_the_models_say(empty_url: str) -> None:
    await migrate.upgrade(empty_url)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": migrate.same_type})
        return list(compare_metadata(context, Base.metadata))

    assert await _inspect(empty_url, differences) == []


async def test_several_servers_starting_at_once_migrate_once(empty_url: str) -> None:
    await asyncio.gather(*(migrate.upgrade(empty_url) for _ in range(4)))

    await migrate.check(empty_url)


async def test_downgrade_leaves_nothing_behind(empty_url: str) -> None:
    from alembic import command

    await migrate.upgrade(empty_url)

    def down(connection: Connection) -> list[str]:
        command.downgrade(migrate._config(connection), "base")
        return inspect(connection).get_table_names()

    assert await _inspect(empty_url, down) == ["alembic_version"]


async def test_a_database_of_newer_code_is_refused_and_left_alone(empty_url: str) -> None:
    await migrate.upgrade(empty_url)
    await _inspect(
        empty_url, lambda sync: sync.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    )

    for refuse in (migrate.upgrade, migrate.check):
        with pytest.raises(BadSettings, match=r"newer Invigil \(its revision 9999"):
            await refuse(empty_url)
    assert await migrate.current(empty_url) == "9999"


async def test_an_old_database_is_not_served(empty_url: str) -> None:
    await migrate.upgrade(empty_url)
    await _inspect(empty_url, lambda sync: sync.execute(text("DELETE FROM alembic_version")))

    with pytest.raises(BadSettings, match="not up to date"):
        await migrate.check(empty_url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://root:hidden@127.0.0.1:1/nothing", "cannot be opened"),
        ("sqlite://", "must name a file"),
        ("mysql://root@127.0.0.1", "must name a database"),
        ("postgresql://localhost/x", "not supported"),
        ("what is this", "cannot be read"),
    ],
)
async def test_a_database_that_cannot_be_used_is_one_sentence(url: str, sentence: str) -> None:
    with pytest.raises(BadSettings, match=sentence) as caught:
        await migrate.upgrade(url)
    assert "hidden" not in str(caught.value)


async def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database at all, but long enough to be read as one" * 20)

    with pytest.raises(BadSettings, match="cannot be opened: file is not a database"):
        await migrate.upgrade(f"sqlite:///{tmp_path}/notes.txt")


async def test_a_missing_file_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="no database file"):
        await migrate.check(f"sqlite:///{tmp_path}/none.db")
    assert not list(tmp_path.iterdir())


async def test_the_file_is_for_us_alone(tmp_path: Path) -> None:
    await migrate.upgrade(f"sqlite:///{tmp_path}/var/invigil.db")

    assert (tmp_path / "var" / "invigil.db").stat().st_mode & 0o077 == 0


def test_works_from_an_installed_package_in_any_directory(tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    _copy_what_is_packaged(site)
    elsewhere.mkdir()
    program = (
        "import asyncio, db.migrate as m; assert 'site/db' in m.__file__, m.__file__;"
        "asyncio.run(m.upgrade('sqlite:///here.db')); asyncio.run(m.check('sqlite:///here.db'))"
    )

    subprocess.run(
        [sys.executable, "-c", program],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
    )

    assert "here.db" in [file.name for file in elsewhere.iterdir()]


def _copy_what_is_packaged(site: Path) -> None:
    """The files of `db` and `core` that pyproject.toml puts into a wheel, and no others."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = find_packages(str(ROOT), include=setuptools["packages"]["find"]["include"])
    packages = [name for name in found if name.split(".")[0] in ("db", "core")]
    globs = [f"{name.replace('.', '/')}/*.py" for name in packages]
    globs += [f"db/{pattern}" for pattern in setuptools["package-data"]["db"]]
    for file in {file for pattern in globs for file in ROOT.glob(pattern) if file.is_file()}:
        target = site / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


async def _inspect(url: str, look: object) -> object:
    engines = make_engines(parse_url(url))
    try:
        async with engines.write.begin() as connection:
            return await connection.run_sync(look)  # type: ignore[arg-type]
    finally:
        await engines.dispose()

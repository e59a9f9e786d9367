"""A real server on an ephemeral port, over a real SQLite file, with people of every role in two exams."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher

from config.settings import Settings, load
from core.errors import MediaUnavailable
from core.exams import ExamStatus
from core.incidents import Incident
from core.kinds import Category, Kind, Severity
from core.people import Role
from core.ports import Clock
from db.attempts import Attempt
from db.database import Database
from db.exams import Exam
from db.incidents import Step
from db.users import User
from tests.db.conftest import mariadb, migrated_mariadb, migrated_sqlite
from transport.channel import Channel
from web import keys
from web.app import FleetListener, make_app

__all__ = ["mariadb", "migrated_mariadb", "migrated_sqlite"]

PASSWORD = "correct horse battery staple"


class DownFleet:
    """All workers are restarting: what pages, access and the record must get along with."""

    async def start(self) -> None: ...

    async def aclose(self) -> None: ...

    def media(self, index: int) -> Channel:
        raise MediaUnavailable()

    def analysis(self, index: int) -> Channel:
        raise MediaUnavailable()

    def place(self, attempt_id: str) -> tuple[int, int]:
        return 0, 0

    def analysis_socket(self, index: int) -> str:
        return "/nowhere"

    def forget(self, attempt_id: str) -> None: ...


@dataclass
class Site:
    server: TestServer
    settings: Settings
    users: dict[str, User] = field(default_factory=dict)
    exams: dict[str, Exam] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    incident: str = ""
    evidence: str = ""
    clients: list[ClientSession] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.server.app[keys.DATABASE]

    def url(self, path: str) -> str:
        return str(self.server.make_url(path))

    def client(self) -> ClientSession:
        client = ClientSession(base_url=self.url("/"), cookie_jar=CookieJar(unsafe=True))
        self.clients.append(client)
        return client

    async def enter(self, name: str) -> ClientSession:
        """A browser that has opened this person's signed link."""
        client = self.client()
        link = self.server.app[keys.LINKS].make(self.users[name].id)
        response = await client.get(link[link.index("/join/") :], allow_redirects=False)
        assert response.status == 303, await response.text()
        return client


async def seed(site: Site) -> None:
    """Exam "physics": prof, proctor; students ann and bob. Exam "history": other_prof; student cat."""
    people = {
        "ann": Role.STUDENT,
        "bob": Role.STUDENT,
        "cat": Role.STUDENT,
        "proctor": Role.PROCTOR,
        "other_proctor": Role.PROCTOR,
        "prof": Role.PROFESSOR,
        "other_prof": Role.PROFESSOR,
        "admin": Role.ADMINISTRATOR,
    }
    hashed = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    async with site.database.transaction() as tx:
        for name, role in people.items():
            site.users[name] = await tx.users.add(
                email=f"{name}@example.org", name=name.title(), role=role, password_hash=hashed
            )
        for title, owner in (("physics", "prof"), ("history", "other_prof")):
            site.exams[title] = await tx.exams.add(
                title=title.title(),
                owner_id=site.users[owner].id,
                duration_s=3600,
                status=ExamStatus.OPEN,
                content="# Question 1\n\nWhy is the sky *blue*?",
            )
        await tx.exams.assign(site.exams["physics"].id, site.users["proctor"].id, Role.PROCTOR)
        await tx.exams.assign(site.exams["history"].id, site.users["other_proctor"].id, Role.PROCTOR)
        for name, exam in (("ann", "physics"), ("bob", "physics"), ("cat", "history")):
            site.attempts[name] = await tx.attempts.admit(site.exams[exam].id, site.users[name].id)
    await _incident(site)


async def _incident(site: Site) -> None:
    desk_evidence = site.server.app[keys.DESKS].analysis._evidence
    site.evidence = await desk_evidence.put(site.attempts["ann"].id, "phone.jpg", b"\xff\xd8\xff picture")
    incident = Incident(
        id="incident-of-ann",
        attempt_id=site.attempts["ann"].id,
        kind=Kind.PHONE,
        severity=Severity.HIGH,
        category=Category.SUSPICION,
        started_at=1000.0,
        ended_at=1010.0,
        confidence=0.9,
        evidence=site.evidence,
    )
    async with site.database.transaction() as tx:
        await tx.incidents.record(site.exams["physics"].id, incident, Step.OPENED)
    site.incident = incident.id


@asynccontextmanager
async def launched(settings: Settings, clock: Clock = time.time) -> AsyncIterator[Site]:
    """A running server; nobody is in its database yet."""

    def make_fleet(settings: Settings, listener: Callable[[], FleetListener]) -> DownFleet:
        return DownFleet()

    site = Site(TestServer(make_app(settings, make_fleet=make_fleet, clock=clock)), settings)
    await site.server.start_server()
    try:
        yield site
    finally:
        for client in site.clients:
            await client.close()
        await site.server.close()


@pytest.fixture
def settings(tmp_path: Path, migrated_sqlite: Path) -> Settings:
    settings = load(data_dir=tmp_path / "var")
    settings.data_dir.mkdir()
    shutil.copy(migrated_sqlite, settings.data_dir / "invigil.db")
    return settings


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[Site]:
    async with launched(settings) as site:
        await seed(site)
        yield site


async def form_token(client: ClientSession) -> str:
    """What a form of this browser carries, read from the login page."""
    html = await (await client.get("/login")).text()
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', html)
    assert found is not None
    return found[1]

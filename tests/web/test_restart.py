"""A server that stops in the middle of an exam and starts again knows what it knew; on both databases."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.settings import Settings, load
from core.attempts import Action
from core.incidents import Incident
from core.kinds import Category, Kind, Severity
from db.incidents import Step

from .conftest import Site, launched, seed
from .talk import Talk, talk


class MovableClock:
    """The server's clock, which can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


async def enter_as_staff(site: Site, people: Site) -> Talk:
    site.users, site.exams, site.attempts = people.users, people.exams, people.attempts
    return await talk(await site.enter("proctor"), f"/ws/exams/{people.exams['physics'].id}")


async def live_through_a_restart(settings: Settings) -> None:
    clock = MovableClock()
    async with launched(settings, clock) as before:
        await seed(before)
        ann = await talk(await before.enter("ann"), f"/ws/attempts/{before.attempts['ann'].id}")
        async with before.database.transaction() as tx:
            await tx.attempts.apply(before.attempts["ann"].id, Action.START, actor=None)
        await ann.status("running")
        await ann.ask("signal", kind="tab_hidden")
        await ann.ask("hand", raised=True)
        watching = await talk(await before.enter("proctor"), f"/ws/exams/{before.exams['physics'].id}")
        for action in ("warn", "flag", "pause"):
            await watching.ask(
                "intervene", attempt=before.attempts["ann"].id, action=action, reason="r", text="Wait."
            )
        seq = watching.told[0]["seq"]
    async with launched(settings, clock) as after:
        watching = await enter_as_staff(after, before)
        (seat, _) = watching.told[0]["attempts"]
        assert seat["status"] == "paused"
        assert seat["state"] == "reconnecting"
        assert (seat["hand_raised"], seat["flagged"]) == (True, True)
        assert {one["kind"] for one in seat["incidents"] if one.get("ended_at") is None} >= {"disconnected"}
        assert watching.told[0]["seq"] > seq

        ann = await talk(await after.enter("ann"), f"/ws/attempts/{before.attempts['ann'].id}", resume=0)
        state = ann.told[0]["attempt"]
        assert state["pause_text"] == "Wait."
        assert [one["text"] for one in state["unacknowledged"]] == ["Wait."]
        assert [m["action"] for m in ann.told if m["type"] == "intervention"] == ["warn", "pause"]
        # Nothing takes the disconnection's page part up again: the student is back.
        await watching.ask("intervene", attempt=before.attempts["ann"].id, action="resume", reason="r")
        await ann.wait(lambda m: m["type"] == "content" and "html" in m)


async def test_on_sqlite(settings: Settings) -> None:
    await live_through_a_restart(settings)


@pytest.mark.mariadb
async def test_on_mariadb(tmp_path: Path, migrated_mariadb: str) -> None:
    settings = load(data_dir=tmp_path, database_url=migrated_mariadb, secret_key=SecretStr("k" * 40))
    await live_through_a_restart(settings)


async def test_an_incident_nobody_takes_up_again_is_closed(settings: Settings) -> None:
    clock = MovableClock()
    async with launched(settings, clock) as before:
        await seed(before)
        attempt = before.attempts["ann"]
        left_open = Incident(
            id="left-open",
            attempt_id=attempt.id,
            kind=Kind.PHONE,
            severity=Severity.HIGH,
            category=Category.SUSPICION,
            started_at=clock(),
            ended_at=None,
            confidence=0.9,
        )
        async with before.database.transaction() as tx:
            await tx.attempts.apply(attempt.id, Action.START, actor=None)
            # As a crash leaves it: on record, and no tracker knows of it.
            await tx.incidents.record(attempt.exam_id, left_open, Step.OPENED)
    async with launched(settings, clock) as after:
        watching = await enter_as_staff(after, before)
        clock.ahead += 60.0
        closed = await watching.wait(
            lambda m: m.get("event") == "incident.closed" and m["payload"]["id"] == left_open.id
        )
        assert closed["payload"]["kind"] == "phone"

"""Students and proctors in one exam over real sockets: what is done, what is told to whom, and what the
record says. Media is down here; see test_media.py for the rest.
"""

from __future__ import annotations

from typing import Any

import pytest

from core.attempts import Action
from core.incidents import Incident
from core.kinds import Category, Kind, Severity
from db.incidents import Step
from signaling.consent import CONSENT_VERSION

from .conftest import Site
from .talk import Talk, talk


async def student(site: Site, name: str = "ann", **more: Any) -> Talk:
    return await talk(await site.enter(name), f"/ws/attempts/{site.attempts[name].id}", **more)


async def proctor(site: Site, name: str = "proctor", **more: Any) -> Talk:
    return await talk(await site.enter(name), f"/ws/exams/{site.exams['physics'].id}", **more)


async def run(site: Site, name: str, action: Action = Action.START) -> None:
    async with site.database.transaction() as tx:
        await tx.attempts.apply(site.attempts[name].id, action, actor=None)


async def test_a_student_is_welcomed_with_the_own_attempt_and_no_questions_yet(site: Site) -> None:
    ann = await student(site)
    welcome = ann.told[0]
    assert welcome["exam"]["title"] == "Physics"
    assert welcome["exam"]["consent"]["version"] == CONSENT_VERSION
    assert welcome["attempt"]["id"] == site.attempts["ann"].id
    assert welcome["attempt"]["status"] == "none"
    assert welcome["attempt"]["time_left_s"] == 3600
    assert await ann.of_type("content") == {"type": "content"}
    assert "sky" not in str(ann.told)


async def test_a_proctor_is_welcomed_with_every_attempt_of_the_exam_and_no_other(site: Site) -> None:
    watching = await proctor(site)
    names = [attempt["name"] for attempt in watching.told[0]["attempts"]]
    assert names == ["Ann", "Bob"]
    (incident,) = watching.told[0]["attempts"][0]["incidents"]
    assert incident["kind"] == "phone"
    assert incident["evidence"] == f"/api/evidence/{site.evidence}"


async def test_starting_needs_consent_and_a_picture(site: Site) -> None:
    ann = await student(site)
    answer = await ann.ask("start")
    assert answer["problem"] == "out-of-order"
    assert "camera" in answer["title"]
    assert (await ann.ask("consent", text_version="1999", given=True))["problem"] == "out-of-order"
    assert (await ann.ask("consent", text_version=CONSENT_VERSION, given=True))["type"] == "ok"
    state = await ann.wait(lambda m: m["type"] == "attempt" and m["attempt"].get("consented", False))
    assert state["attempt"]["status"] == "none"
    async with site.database.reading() as tx:
        consent = await tx.consents.latest(site.attempts["ann"].id)
        assert consent is not None
        assert consent.address == "127.0.0.1"
        assert (await tx.attempts.get(site.attempts["ann"].id)).status.value == "none"


async def test_content_comes_with_the_start_and_goes_with_a_pause(site: Site) -> None:
    ann = await student(site)
    await run(site, "ann")
    shown = await ann.wait(lambda m: m["type"] == "content" and "html" in m)
    assert "<em>blue</em>" in shown["html"]
    watching = await proctor(site)
    seen = len(ann.told)
    answer = await watching.ask(
        "intervene", attempt=site.attempts["ann"].id, action="pause", reason="noise", text="One moment."
    )
    assert answer["type"] == "ok"
    assert await ann.of_type("content", after=seen) == {"type": "content"}
    state = await ann.wait(
        lambda m: m["type"] == "attempt" and m["attempt"]["status"] == "paused", after=seen
    )
    assert state["attempt"]["pause_text"] == "One moment."
    said = await ann.of_type("intervention", after=seen)
    assert (said["action"], said["text"]) == ("pause", "One moment.")
    assert "noise" not in str(ann.told), "reasons are for colleagues"
    assert site.users["proctor"].id not in str(ann.told), "who did it too"


async def test_a_warning_stays_until_it_is_acknowledged(site: Site) -> None:
    watching, ann = await proctor(site), await student(site)
    await watching.ask(
        "intervene", attempt=site.attempts["ann"].id, action="warn", reason="r", text="Eyes on your screen."
    )
    warning = await ann.of_type("intervention")
    assert warning["acknowledge"] is True
    again = await student(site)
    assert [one["id"] for one in again.told[0]["attempt"]["unacknowledged"]] == [warning["id"]]
    assert (await again.ask("acknowledge", intervention=warning["id"]))["type"] == "ok"
    await watching.event("intervention.acknowledged")
    third = await student(site)
    assert "unacknowledged" not in third.told[0]["attempt"] or not third.told[0]["attempt"]["unacknowledged"]


async def test_a_student_cannot_acknowledge_for_another(site: Site) -> None:
    watching, bob = await proctor(site), await student(site, "bob")
    answer = await watching.ask(
        "intervene", attempt=site.attempts["ann"].id, action="warn", reason="r", text="t"
    )
    refused = await bob.ask("acknowledge", intervention=answer["result"]["intervention"])
    assert refused["problem"] == "not-found"


async def test_the_newest_page_of_an_attempt_wins(site: Site) -> None:
    first = await student(site)
    second = await student(site)
    assert await first.of_type("bye") == {"type": "bye", "reason": "opened-elsewhere"}
    assert (await second.ask("hand", raised=True))["type"] == "ok"


async def test_students_hear_of_themselves_only_and_of_no_suspicion(site: Site) -> None:
    ann, bob, watching = await student(site), await student(site, "bob"), await proctor(site)
    await run(site, "ann")
    incident = Incident(
        id="secret",
        attempt_id=site.attempts["ann"].id,
        kind=Kind.IDENTITY_MISMATCH,
        severity=Severity.HIGH,
        category=Category.SUSPICION,
        started_at=1.0,
        ended_at=None,
        confidence=0.8,
    )
    async with site.database.transaction() as tx:
        await tx.incidents.record(site.exams["physics"].id, incident, Step.OPENED)
    await watching.ask("intervene", attempt=site.attempts["ann"].id, action="flag", reason="look later")
    told = await watching.wait(
        lambda m: m.get("event") == "incident.opened" and m["payload"]["id"] == "secret"
    )
    assert told["payload"]["kind"] == "identity_mismatch"
    await ann.ask("hand", raised=True)
    await bob.ask("hand", raised=True)
    await ann.event("hand.raised")
    await bob.event("hand.raised")
    assert "identity" not in str(ann.told) + str(bob.told)
    assert "flag" not in str(ann.told)
    assert site.attempts["ann"].id not in str(bob.told)


async def test_chat_goes_both_ways_and_to_nobody_else(site: Site) -> None:
    ann, bob, watching = await student(site), await student(site, "bob"), await proctor(site)
    await ann.ask("say", text="May I drink water?")
    said = await watching.event("chat.said")
    assert said["payload"] == {"text": "May I drink water?", "side": "student", "name": "Ann"}
    await watching.ask("say", attempt=site.attempts["ann"].id, text="Yes.")
    answer = await ann.wait(lambda m: m.get("event") == "chat.said" and m["payload"]["side"] == "proctor")
    assert answer["payload"]["text"] == "Yes."
    assert (await bob.ask("say", attempt=site.attempts["ann"].id, text="x"))["problem"] == "not-found"
    assert (await watching.ask("say", text="x"))["problem"] == "bad-message"
    assert "water" not in str(bob.told)


async def test_who_comes_back_is_told_what_was_missed_once(site: Site) -> None:
    watching = await proctor(site)
    seq = watching.told[0]["seq"]
    await watching.aclose()
    ann = await student(site)
    for text in ("one", "two", "three"):
        await ann.ask("say", text=text)
    await ann.wait(lambda m: m.get("event") == "chat.said" and m["payload"]["text"] == "three")
    again = await proctor(site, resume=seq)
    await ann.ask("say", text="four")
    await again.wait(lambda m: m.get("event") == "chat.said" and m["payload"]["text"] == "four")
    texts = [m["payload"]["text"] for m in again.told if m.get("event") == "chat.said"]
    assert texts == ["one", "two", "three", "four"]
    numbers = [m["seq"] for m in again.told if m["type"] == "event"]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({"type": "intervene", "action": "resume", "reason": "r"}, "illegal-transition"),
        ({"type": "intervene", "action": "message", "reason": "r"}, "bad-message"),
        ({"type": "intervene", "action": "extend", "reason": "r"}, "bad-message"),
        ({"type": "intervene", "action": "pause", "reason": ""}, "bad-message"),
        ({"type": "intervene", "action": "flag", "reason": "r", "attempt": "CAT"}, "not-found"),
        ({"type": "say", "text": "x", "attempt": "CAT"}, "not-found"),
        ({"type": "focus", "attempt": "CAT"}, "not-found"),
        ({"type": "watch", "worker": 0, "sdp": "v=0"}, "media-unavailable"),
        ({"type": "unwatch", "watcher": "w-1"}, "not-found"),
        ({"type": "judge", "incident": "none", "verdict": "confirmed"}, "not-found"),
    ],
)
async def test_what_cannot_be_done_changes_nothing(
    site: Site, request_: dict[str, Any], problem: str
) -> None:
    watching = await proctor(site)
    fields = {key: value for key, value in request_.items() if key != "type"}
    if request_["type"] == "intervene":
        fields.setdefault("attempt", site.attempts["ann"].id)
    if fields.get("attempt") == "CAT":
        fields["attempt"] = site.attempts["cat"].id
    before = watching.told[0]["seq"]
    assert (await watching.ask(request_["type"], **fields))["problem"] == problem
    async with site.database.reading() as tx:
        assert await tx.events.last_seq(site.exams["physics"].id) == before
        assert await tx.interventions.of_exam(site.exams["physics"].id) == []


async def test_extending_moves_the_clock(site: Site) -> None:
    watching, ann = await proctor(site), await student(site)
    await run(site, "ann")
    await watching.ask(
        "intervene", attempt=site.attempts["ann"].id, action="extend", reason="late start", seconds=600
    )
    clock = await ann.event("attempt.clock")
    assert clock["payload"]["seconds"] == 600
    state = await ann.wait(lambda m: m["type"] == "attempt" and m["attempt"]["time_left_s"] > 4000)
    assert 4190 < state["attempt"]["time_left_s"] <= 4200


async def test_a_browser_signal_becomes_an_incident_and_ends(site: Site) -> None:
    watching, ann = await proctor(site), await student(site)
    await run(site, "ann")
    await ann.status("running")
    assert (await ann.ask("signal", kind="tab_hidden"))["type"] == "ok"
    opened = await watching.wait(
        lambda m: m.get("event") == "incident.opened" and m["payload"]["kind"] == "tab_hidden"
    )
    assert opened["payload"]["severity"] == "medium"
    assert opened["attempt"] == site.attempts["ann"].id
    await ann.ask("signal", kind="tab_visible")
    closed = await watching.wait(
        lambda m: m.get("event") == "incident.closed" and m["payload"]["kind"] == "tab_hidden"
    )
    assert closed["payload"]["id"] == opened["payload"]["id"]
    async with site.database.reading() as tx:
        kinds = [one.kind.value for one in await tx.signals.of_attempt(site.attempts["ann"].id)]
    assert kinds == ["tab_hidden", "tab_visible"]
    assert "incident" not in str(ann.told)


async def test_before_the_start_nothing_goes_on_the_record_but_what_holds_is_taken_up(site: Site) -> None:
    watching, ann = await proctor(site), await student(site)
    await ann.ask("signal", kind="displays", detail={"count": 2})
    await ann.ask("signal", kind="paste")
    assert not [m for m in watching.told if m.get("event", "").startswith("incident")]
    await run(site, "ann")
    opened = await watching.event("incident.opened")
    assert opened["payload"]["kind"] == "second_display"


async def test_a_page_that_goes_away_is_a_technical_incident_that_ends_when_it_is_back(site: Site) -> None:
    watching, ann = await proctor(site), await student(site)
    await run(site, "ann")
    await ann.status("running")
    await ann.aclose()
    opened = await watching.wait(
        lambda m: m.get("event") == "incident.opened" and m["payload"]["kind"] == "disconnected"
    )
    assert opened["payload"]["category"] == "technical"
    await student(site)
    await watching.wait(
        lambda m: m.get("event") == "incident.closed" and m["payload"]["kind"] == "disconnected"
    )


async def test_a_verdict_is_told_and_weighs_no_more(site: Site) -> None:
    watching, other = await proctor(site), await proctor(site, "prof")
    await watching.ask("judge", incident=site.incident, verdict="dismissed", reason="a calculator")
    told = await other.event("incident.judged")
    assert told["payload"]["verdict"] == "dismissed"
    assert told["actor"] == site.users["proctor"].id
    third = await proctor(site)
    (incident,) = third.told[0]["attempts"][0]["incidents"]
    assert (incident["verdict"], incident["verdict_by"]) == ("dismissed", site.users["proctor"].id)
    assert not third.told[0]["attempts"][0].get("risk")


async def test_after_the_end_only_messages_go_through(site: Site) -> None:
    watching, ann = await proctor(site), await student(site)
    await run(site, "ann")
    await watching.ask(
        "intervene", attempt=site.attempts["ann"].id, action="terminate", reason="r", text="It is over."
    )
    await ann.status("terminated")
    for type, fields in (("start", {}), ("complete", {}), ("publish", {"sdp": "v=0", "tracks": {}})):
        assert (await ann.ask(type, **fields))["problem"] == "out-of-order"
    assert (await ann.ask("say", text="Why?"))["type"] == "ok"
    tile = await watching.wait(lambda m: m["type"] == "tile" and m["state"] == "ended")
    assert tile["status"] == "terminated"


async def test_an_attempt_ends_when_its_time_is_up(site: Site) -> None:
    async with site.database.transaction() as tx:
        exam = await tx.exams.add(
            title="Short", owner_id=site.users["prof"].id, duration_s=0.5, content="Quick!"
        )
        attempt = await tx.attempts.admit(exam.id, site.users["ann"].id)
        await tx.attempts.apply(attempt.id, Action.START, actor=None)
    watching = await talk(await site.enter("prof"), f"/ws/exams/{exam.id}")
    status = await watching.event("attempt.status")
    assert status["payload"]["status"] == "complete"
    assert status["payload"]["reason"] == "time is up"


async def test_the_server_sends_everybody_away_when_it_stops(site: Site) -> None:
    ann, watching = await student(site), await proctor(site)
    await site.server.close()
    for one in (ann, watching):
        assert await one.of_type("bye") == {"type": "bye", "reason": "restarting", "reconnect": True}

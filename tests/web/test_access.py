"""Every route with every role: who gets in, and what the others are told."""

from __future__ import annotations

import pytest
from aiohttp import web

from core.exams import ExamStatus
from core.people import Role
from web import api, pages, sockets

from .conftest import Site, form_token

PEOPLE = ("nobody", "ann", "bob", "cat", "proctor", "other_proctor", "prof", "other_prof", "admin")
STAFF = {"proctor", "prof", "admin"}
"""Of physics, where Ann and Bob sit."""

# path → who gets in. The others: students of the same thing 403, everybody else 404, nobody 401 (or to
# the login page).
PATHS: dict[str, set[str]] = {
    "/attempts/{ann}/session": {"ann"},
    "/attempts/{ann}/review": STAFF,
    "/exams/{physics}/wall": STAFF,
    "/exams/{physics}/review": STAFF,
    "/api/attempts/{ann}/incidents": STAFF,
    "/api/attempts/{ann}/timeline": STAFF,
    "/api/attempts/{ann}/report": STAFF,
    "/api/attempts/{ann}/recording": STAFF,
    "/api/attempts/{ann}/segments/0": STAFF,
    "/api/attempts/{ann}/thumbnails/0": STAFF,
    "/api/evidence/{evidence}": STAFF,
    "/ws/attempts/{ann}": {"ann"},
    "/ws/exams/{physics}": STAFF,
}
OPEN_TO_ALL = {"/", "/login", "/logout", "/join/{token}", "/health", "/ready"}
LET_IN = {200, 101, 409}
"""409: the whole recording, asked for before the end; 404 for pieces that are not there is told apart
by what was not found."""


def filled(site: Site, path: str) -> str:
    ids = {name: one.id for name, one in (*site.attempts.items(), *site.exams.items())}
    return path.format(**ids, evidence=site.evidence, incident=site.incident)


async def ask(site: Site, who: str, path: str) -> tuple[int, str]:
    """Status, and what was said."""
    client = site.client() if who == "nobody" else await site.enter(who)
    headers = {}
    if path.startswith("/ws/"):
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
    async with client.get(filled(site, path), headers=headers, allow_redirects=False) as response:
        text = "" if response.status == 101 else await response.text(errors="replace")
        return response.status, text


@pytest.mark.parametrize("path", PATHS)
async def test_only_who_may_gets_in(site: Site, path: str) -> None:
    for who in PEOPLE:
        status, text = await ask(site, who, path)
        if who in PATHS[path]:
            missing_piece = status == 404 and ("no such segment" in text or "no such picture" in text)
            assert status in LET_IN or missing_piece, (who, status, text)
        elif who == "nobody":
            assert status == (401 if path.startswith(("/api/", "/ws/")) else 302), (who, status)
        else:
            assert status in (403, 404), (who, status, text)
            if who == "cat" or who.startswith("other") or (who == "bob" and "{ann}" in path):
                assert status == 404, f"{who} learns that it exists"
            assert "Why is the sky" not in text


def test_every_route_is_walked() -> None:
    """A new route must be added above."""
    app = web.Application()
    for module in (pages, sockets, api):
        module.add_routes(app)
    shapes = {resource.canonical for resource in app.router.resources()}
    walked = {
        path.replace("{ann}", "{attempt}")
        .replace("{physics}", "{exam}")
        .replace("{evidence}", "{key}")
        .replace("/0", "/{number}")
        for path in (*PATHS, *OPEN_TO_ALL)
    }
    assert shapes == walked | {"/api/incidents/{incident}/verdict", "/review/attempts/{attempt}"}


@pytest.mark.parametrize("who", PEOPLE)
async def test_only_staff_may_judge(site: Site, who: str) -> None:
    client = site.client() if who == "nobody" else await site.enter(who)
    response = await client.post(
        f"/api/incidents/{site.incident}/verdict",
        json={"verdict": "confirmed", "reason": "seen"},
        headers={"X-CSRF-Token": await form_token(client)},
    )
    async with site.database.reading() as tx:
        judged = (await tx.incidents.get(site.incident)).judgement
    if who in STAFF:
        assert response.status == 200, await response.text()
        assert judged is not None
        assert judged.by == site.users[who].id
    else:
        assert response.status == (401 if who == "nobody" else 404)
        assert judged is None


async def test_a_student_of_a_draft_does_not_see_it(site: Site) -> None:
    async with site.database.transaction() as tx:
        await tx.exams.set_status(site.exams["physics"].id, ExamStatus.DRAFT)
    client = await site.enter("ann")
    assert "Physics" not in await (await client.get("/")).text()


async def test_a_disabled_account_is_out_at_once(site: Site) -> None:
    client = await site.enter("proctor")
    async with site.database.transaction() as tx:
        await tx.users.set_disabled(site.users["proctor"].id, True)
    response = await client.get(f"/api/attempts/{site.attempts['ann'].id}/report")
    assert response.status == 401


async def test_an_account_that_became_a_students_is_staff_no_more(site: Site) -> None:
    """On the staff list, but not a proctor's account."""
    async with site.database.transaction() as tx:
        await tx.exams.assign(site.exams["physics"].id, site.users["cat"].id, Role.PROCTOR)
    client = await site.enter("cat")
    assert (await client.get(f"/exams/{site.exams['physics'].id}/wall")).status == 404

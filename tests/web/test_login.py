"""Logging in by password and by link, and what protects the forms."""

from __future__ import annotations

import time

import pytest
from aiohttp import ClientResponse, ClientSession

from web import keys
from web.links import LinkInvalid, Links
from web.pages.login import safe_path
from web.passwords import Throttle, TooManyGuesses

from .conftest import PASSWORD, Site, form_token


async def log_in(client: ClientSession, email: str, password: str = PASSWORD, **more: str) -> ClientResponse:
    form = {"email": email, "password": password, "csrf": await form_token(client), **more}
    return await client.post("/login", data=form, allow_redirects=False)


async def name_on_page(client: ClientSession) -> str:
    html = await (await client.get("/")).text()
    return html.partition('class="who-name">')[2].partition("<")[0]


async def test_a_password_logs_in_and_leads_where_one_wanted_to_go(site: Site) -> None:
    client = site.client()
    wall = f"/exams/{site.exams['physics'].id}/wall"
    response = await client.get(wall, allow_redirects=False)
    assert response.headers["Location"].startswith("/login?next=")
    response = await log_in(client, "Proctor@Example.org", next=wall)
    assert (response.status, response.headers["Location"]) == (303, wall)
    assert (await client.get(wall)).status == 200
    assert await name_on_page(client) == "Proctor"


async def test_the_cookie_is_out_of_scripts_reach(site: Site) -> None:
    response = await log_in(site.client(), "ann@example.org")
    cookie = response.cookies["invigil_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["secure"], "plain http on loopback"


async def test_a_wrong_password_and_an_unknown_address_are_told_alike(site: Site) -> None:
    client = site.client()
    wrong = await log_in(client, "ann@example.org", "guess")
    unknown = await log_in(client, "nobody@example.org", "guess")
    assert wrong.status == unknown.status == 401
    assert "not right" in await wrong.text()
    assert (await wrong.text()).replace("ann@", "") == (await unknown.text()).replace("nobody@", "")


async def test_guessing_is_slowed_down_and_the_right_password_too(site: Site) -> None:
    client = site.client()
    statuses = [(await log_in(client, "ann@example.org", f"guess {n}")).status for n in range(6)]
    assert statuses == [401] * 5 + [429]
    assert (await log_in(client, "ann@example.org")).status == 429
    assert (await log_in(client, "bob@example.org")).status == 303, "others are not kept out"


async def test_a_form_without_its_token_is_refused(site: Site) -> None:
    client = site.client()
    await form_token(client)
    response = await client.post("/login", data={"email": "ann@example.org", "password": PASSWORD})
    assert response.status == 403
    assert await name_on_page(client) == ""


async def test_a_token_of_another_browser_is_refused(site: Site) -> None:
    other = await form_token(site.client())
    client = site.client()
    await form_token(client)
    response = await client.post(
        "/login", data={"email": "ann@example.org", "password": PASSWORD, "csrf": other}
    )
    assert response.status == 403


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}],
)
async def test_other_sites_cannot_post_or_open_sockets(site: Site, headers: dict[str, str]) -> None:
    client = await site.enter("proctor")
    token = await form_token(client)
    response = await client.post("/logout", data={"csrf": token}, headers=headers)
    assert response.status == 403
    url = f"/ws/exams/{site.exams['physics'].id}"
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert (await client.get(url, headers={**upgrade, **headers})).status == 403
    assert await name_on_page(client) == "Proctor"


async def test_logging_out_ends_it(site: Site) -> None:
    client = await site.enter("ann")
    assert await name_on_page(client) == "Ann"
    await client.post("/logout", data={"csrf": await form_token(client)})
    assert await name_on_page(client) == ""


async def test_a_students_link_makes_the_attempt_once(site: Site) -> None:
    client = site.client()
    link = site.server.app[keys.LINKS].make(site.users["cat"].id, site.exams["physics"].id)
    path = link[link.index("/join/") :]
    targets = {(await client.get(path, allow_redirects=False)).headers["Location"] for _ in range(2)}
    assert len(targets) == 1
    (target,) = targets
    assert (await client.get(target)).status == 200
    async with site.database.reading() as tx:
        attempt = await tx.attempts.of_student(site.exams["physics"].id, site.users["cat"].id)
    assert attempt is not None
    assert target == f"/attempts/{attempt.id}/session"


async def test_a_proctors_link_leads_to_the_wall_of_their_exam_only(site: Site) -> None:
    links = site.server.app[keys.LINKS]
    for exam, status in (("physics", 303), ("history", 404)):
        link = links.make(site.users["proctor"].id, site.exams[exam].id)
        response = await site.client().get(link[link.index("/join/") :], allow_redirects=False)
        assert response.status == status


async def test_a_link_that_was_changed_or_is_old_is_refused(site: Site) -> None:
    links = site.server.app[keys.LINKS]
    old = links.make(site.users["ann"].id, seconds=-1)
    changed = links.make(site.users["ann"].id).replace("/join/", "/join/x")
    for link in (old, changed, "/join/rubbish"):
        response = await site.client().get(link[link.index("/join/") :], allow_redirects=False)
        assert response.status == 403
        assert "expired or was not copied whole" in await response.text()


def test_a_link_ends_when_it_says() -> None:
    now = 1000.0
    links = Links("key", "http://localhost:8080/", lambda: now)
    link = links.make("u", "e", seconds=60)
    assert link.startswith("http://localhost:8080/join/")
    token = link.rsplit("/", 1)[1]
    assert (links.read(token).user_id, links.read(token).exam_id) == ("u", "e")
    now = 1061.0
    with pytest.raises(LinkInvalid):
        links.read(token)
    with pytest.raises(LinkInvalid):
        Links("another key", "", time.time).read(token)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/exams/1/wall", "/exams/1/wall"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/x\r\nSet-Cookie: a", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_sent_elsewhere_after_the_login(path: str, expected: str) -> None:
    assert safe_path(path) == expected


def test_the_throttle_forgets_with_time_and_forgives() -> None:
    now = 0.0
    throttle = Throttle(2, 60.0, lambda: now)
    throttle.failed("a")
    throttle.failed("a")
    with pytest.raises(TooManyGuesses):
        throttle.check("a")
    throttle.check("b")
    now = 61.0
    throttle.check("a")
    throttle.failed("a")
    throttle.forgive("a")
    throttle.check("a")


def test_the_throttle_keeps_a_bounded_number_of_keys() -> None:
    throttle = Throttle(1, 60.0, lambda: 0.0, keys=10)
    for n in range(1000):
        throttle.failed(str(n))
    throttle.check("0")
    with pytest.raises(TooManyGuesses):
        throttle.check("999")


async def test_every_response_carries_the_headers(site: Site) -> None:
    client = await site.enter("ann")
    for path in ("/", "/nowhere", "/api/attempts/none/report", "/static/js/theme.js", "/health"):
        headers = (await client.get(path)).headers
        assert "'unsafe" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "camera=(self)" in headers["Permissions-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


async def test_problems_are_pages_for_people_and_details_for_programs(site: Site) -> None:
    client = await site.enter("ann")
    page = await client.get("/nowhere")
    assert (page.status, page.content_type) == (404, "text/html")
    details = await client.get("/api/nowhere")
    assert (details.status, details.content_type) == (404, "application/problem+json")
    said = await details.json(content_type=None)
    assert said["status"] == 404
    assert said["problem"] == "not-found"
    assert (await client.post("/")).status == 405

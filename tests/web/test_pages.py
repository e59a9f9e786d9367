"""Every page, rendered for those whose page it is."""

from __future__ import annotations

import json
import re

import pytest

from .conftest import Site


@pytest.mark.parametrize(
    ("who", "path", "expected"),
    [
        ("ann", "/", "Physics"),
        ("prof", "/", "Review"),
        ("admin", "/", "History"),
        ("ann", "/attempts/{ann}/session", "Physics"),
        ("proctor", "/exams/{physics}/wall", "Physics"),
        ("prof", "/exams/{physics}/review", "Ann"),
        ("prof", "/attempts/{ann}/review", "Ann"),
    ],
)
async def test_a_page_shows_what_it_is_about(site: Site, who: str, path: str, expected: str) -> None:
    client = await site.enter(who)
    ids = {name: one.id for name, one in (*site.attempts.items(), *site.exams.items())}
    response = await client.get(path.format(**ids))
    html = await response.text()
    assert response.status == 200, html
    assert expected in html
    data = re.search(r'<script type="application/json" id="page">(.*?)</script>', html, re.S)
    assert data is not None
    json.loads(data[1])


async def test_it_says_whether_it_can_take_students(site: Site) -> None:
    client = site.client()
    assert (await client.get("/health")).status == 200
    ready = await client.get("/ready")
    assert ready.status == 503, "no worker is up here"
    assert await ready.json() == {"status": "waiting", "missing": ["analysis-0", "media-0"]}

"""Every page against axe's rules for WCAG 2.2 AA, in light and dark."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page, expect

from tests.support.needs import missing
from tests.support.visits import enter
from tests.web.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE = Path(__file__).parents[3] / "node_modules/axe-core/axe.min.js"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

Visit = Callable[[Page, Site], Awaitable[None]]


async def landing(page: Page, site: Site) -> None:
    await page.goto(site.url("/"))


async def login(page: Page, site: Site) -> None:
    await page.goto(site.url("/login"))
    await page.fill("[name=email]", "nobody@example.org")
    await page.fill("[name=password]", "wrong")
    await page.click("main button[type=submit]")
    await expect(page.locator("#login-error")).to_be_visible()


async def error(page: Page, site: Site) -> None:
    await page.goto(site.url("/nowhere"))


async def home(page: Page, site: Site) -> None:
    await enter(page, site, "prof", "/")


async def consent(page: Page, site: Site) -> None:
    await enter(page, site, "bob", f"/attempts/{site.attempts['bob'].id}/session")
    await expect(page.locator("#step-consent")).to_be_visible()


async def wall(page: Page, site: Site) -> None:
    await enter(page, site, "proctor", f"/exams/{site.exams['physics'].id}/wall")
    await expect(page.locator(".tile")).to_have_count(2)


async def close_view(page: Page, site: Site) -> None:
    await wall(page, site)
    await page.click(".tile-open >> nth=0")
    await expect(page.locator("#events li")).to_have_count(1)


async def ending_an_exam(page: Page, site: Site) -> None:
    await close_view(page, site)
    await page.click('[data-action="terminate"]')
    await expect(page.locator("#act-dialog")).to_be_visible()


async def review(page: Page, site: Site) -> None:
    await enter(page, site, "prof", f"/attempts/{site.attempts['ann'].id}/review")
    await page.click(".flag-open")
    await expect(page.locator("#judge")).to_be_visible()


async def review_list(page: Page, site: Site) -> None:
    await enter(page, site, "prof", f"/exams/{site.exams['physics'].id}/review")


VISITS: list[Visit] = [
    landing, login, error, home, consent, wall, close_view, ending_an_exam, review, review_list,
]  # fmt: skip


async def violations(page: Page) -> list[str]:
    found = await page.evaluate(
        "(tags) => axe.run(document, { runOnly: { type: 'tag', values: tags } })", TAGS
    )
    return [
        f"{one['id']}: {one['help']} at {node['target']}: {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("visit", VISITS, ids=[visit.__name__ for visit in VISITS])
async def test_no_rule_is_broken_in_light_or_dark(page: Page, site: Site, visit: Visit) -> None:
    if not AXE.is_file():
        missing("axe-core is not installed (npm, then: make install-dev)")
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await visit(page, site)
    await page.evaluate(AXE.read_text())
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        assert await violations(page) == [], scheme


@pytest.mark.parametrize("visit", [landing, consent, wall, review], ids=lambda visit: visit.__name__)
async def test_nothing_is_lost_sideways_on_narrow_screens(page: Page, site: Site, visit: Visit) -> None:
    await visit(page, site)
    for width in (820, 390, 320):
        await page.set_viewport_size({"width": width, "height": 800})
        needed, given = await page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert needed <= given, width

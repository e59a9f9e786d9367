"""Everything without a mouse: the wall, the close view, the review page."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from core.incidents import Verdict
from tests.support.visits import enter
from tests.web.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def open_wall(page: Page, site: Site) -> None:
    await enter(page, site, "proctor", f"/exams/{site.exams['physics'].id}/wall")
    await expect(page.locator(".tile")).to_have_count(2)


async def test_arrows_move_between_tiles_and_enter_looks_closer(page: Page, site: Site) -> None:
    await open_wall(page, site)
    tiles = page.locator(".tile-open")

    await page.keyboard.press("ArrowRight")
    await expect(tiles.nth(0)).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(tiles.nth(1)).to_be_focused()
    name = await page.locator(".tile-name").nth(1).inner_text()
    await page.keyboard.press("Enter")

    await expect(page.locator("#focus")).to_be_visible()
    await expect(page.locator("#focus-name")).to_have_text(name)
    await expect(page.locator("#focus-name")).to_be_focused()

    await page.keyboard.press("Escape")
    await expect(page.locator("#focus")).to_be_hidden()
    await expect(tiles.nth(1)).to_be_focused()


async def test_one_tab_stop_for_all_tiles(page: Page, site: Site) -> None:
    await open_wall(page, site)

    await expect(page.locator('.tile-open[tabindex="0"]')).to_have_count(1)
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator('.tile-open[tabindex="0"]')).to_have_count(1)
    await expect(page.locator('.tile-open[tabindex="0"]')).to_be_focused()


async def test_slash_searches_and_letters_typed_there_are_no_commands(page: Page, site: Site) -> None:
    await open_wall(page, site)

    await page.keyboard.press("/")
    await expect(page.locator("#search")).to_be_focused()
    await page.keyboard.type("nnl?")
    await expect(page.locator("#focus")).to_be_hidden()
    await expect(page.locator("#keys-dialog")).to_be_hidden()
    await expect(page.locator("#grid-empty")).to_have_text("No student has this name or seat.")

    await page.keyboard.press("Control+a")
    await page.keyboard.type("bob")
    await expect(page.locator(".tile")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator(".tile")).to_have_count(2)


async def test_question_mark_lists_the_keys(page: Page, site: Site) -> None:
    await open_wall(page, site)

    await page.keyboard.press("?")
    await expect(page.locator("#keys-dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#keys-dialog")).to_be_hidden()


async def test_filters_say_what_they_would_show(page: Page, site: Site) -> None:
    await open_wall(page, site)

    await page.locator('[data-filter="hand"]').focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".tile")).to_have_count(0)
    await expect(page.locator("#grid-empty")).to_have_text("No hand is raised.")


async def open_review(page: Page, site: Site) -> None:
    await enter(page, site, "prof", f"/attempts/{site.attempts['ann'].id}/review")
    await expect(page.locator(".flag-row")).to_have_count(1)


@pytest.mark.parametrize(
    ("key", "verdict"), [("c", Verdict.CONFIRMED), ("d", Verdict.DISMISSED), ("t", Verdict.TECHNICAL)]
)
async def test_a_key_judges_the_chosen_flag(page: Page, own_site: Site, key: str, verdict: Verdict) -> None:
    await open_review(page, own_site)

    await page.keyboard.press("k")
    await expect(page.locator(".flag-open[aria-current]")).to_have_count(1)
    await page.keyboard.press(key)
    await expect(page.locator("#judge-said")).to_contain_text("Saved")

    async with own_site.database.reading() as tx:
        judgement = (await tx.incidents.get(own_site.incident)).judgement
    assert judgement is not None
    assert judgement.verdict is verdict


async def test_a_verdict_keeps_its_reason_and_can_be_taken_back(page: Page, own_site: Site) -> None:
    await open_review(page, own_site)

    await page.keyboard.press("k")
    await page.fill("#judge-reason", "holds a calculator, cdt")
    await page.click('[data-verdict="dismissed"]')
    await expect(page.locator("#flags-left")).to_have_text("all judged")
    async with own_site.database.reading() as tx:
        judgement = (await tx.incidents.get(own_site.incident)).judgement
    assert judgement is not None
    assert judgement.reason == "holds a calculator, cdt"

    await page.click("#judge-undo")
    await expect(page.locator("#flags-left")).to_have_text("1 to judge")
    async with own_site.database.reading() as tx:
        assert (await tx.incidents.get(own_site.incident)).judgement is None


async def test_before_a_flag_is_chosen_keys_judge_nothing(page: Page, own_site: Site) -> None:
    await open_review(page, own_site)

    await page.keyboard.press("c")
    await page.keyboard.press("k")
    await expect(page.locator("#judge")).to_be_visible()
    async with own_site.database.reading() as tx:
        assert (await tx.incidents.get(own_site.incident)).judgement is None


async def test_the_skip_link_is_first(page: Page, site: Site) -> None:
    await page.goto(site.url("/"))

    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()

"""The student's page, step by step, as far as it goes without anybody's picture."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect

from tests.support.visits import enter, intervene, start
from tests.web.conftest import Site
from web import keys

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def open_session(page: Page, site: Site) -> None:
    await enter(page, site, "ann", f"/attempts/{site.attempts['ann'].id}/session")


async def open_exam(page: Page, site: Site) -> None:
    await start(site, "ann")
    await open_session(page, site)
    await expect(page.locator("#content")).to_contain_text("Why is the sky")


async def test_a_no_is_an_answer_and_can_be_changed(page: Page, own_site: Site) -> None:
    await open_session(page, own_site)

    await page.click("#consent-no")
    await expect(page.locator("#refused-title")).to_be_focused()
    await page.click("#consent-again")
    await page.click("#consent-yes")
    await expect(page.locator("#preflight-title")).to_be_focused()


async def test_a_camera_that_is_refused_gets_advice(browser: Browser, own_site: Site) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    # Chromium's fake prompt grants whatever is asked, so the refusal is made at its source.
    await page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => "
        "Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    await open_session(page, own_site)
    await page.click("#consent-yes")
    await page.click("#preflight-run")

    camera = page.locator('[data-check="camera"]')
    await expect(camera).to_have_attribute("data-state", "problem")
    await expect(camera).to_contain_text("address bar")
    await expect(page.locator("#preflight-run")).to_have_text("Try again")
    await expect(page.locator("#preflight-next")).to_be_hidden()
    await context.close()


async def test_without_a_media_path_the_connection_is_the_problem(page: Page, own_site: Site) -> None:
    await open_session(page, own_site)
    await page.click("#consent-yes")
    await page.click("#preflight-run")

    await expect(page.locator('[data-check="camera"]')).to_have_attribute("data-state", "good")
    await expect(page.locator('[data-check="connection"]')).to_have_attribute("data-state", "problem")
    await expect(page.locator("#preflight-next")).to_be_disabled()


async def test_a_warning_stays_until_it_is_acknowledged(page: Page, own_site: Site) -> None:
    await open_exam(page, own_site)
    warning = await intervene(own_site, "ann", "warn", "Please put your phone away.")
    dialog = page.locator("#warning")
    await expect(dialog).to_contain_text("Please put your phone away.")

    for _ in range(3):
        await page.keyboard.press("Escape")
    await page.keyboard.press("Tab")
    await expect(dialog).to_be_visible()
    behind = "document.activeElement !== document.body && !document.activeElement.closest('#warning')"
    assert not await page.evaluate(behind), "the page behind cannot be reached"
    async with own_site.database.reading() as tx:
        assert (await tx.interventions.get(warning)).acknowledged_at is None

    await page.press("#warning-ok", "Enter")
    await expect(dialog).to_be_hidden()
    async with own_site.database.reading() as tx:
        assert (await tx.interventions.get(warning)).acknowledged_at is not None


async def test_a_warning_that_was_not_acknowledged_is_there_after_a_reload(
    page: Page, own_site: Site
) -> None:
    await open_exam(page, own_site)
    await intervene(own_site, "ann", "warn", "First.")
    await intervene(own_site, "ann", "warn", "Second.")
    await page.reload()

    await expect(page.locator("#warning")).to_contain_text("First.")
    await page.click("#warning-ok")
    await expect(page.locator("#warning")).to_contain_text("Second.")


async def test_a_pause_takes_the_questions_away_and_brings_them_back(page: Page, own_site: Site) -> None:
    await open_exam(page, own_site)
    await intervene(own_site, "ann", "pause", "One moment, please.")

    await expect(page.locator("#pause")).to_contain_text("One moment, please.")
    await expect(page.locator("#content")).to_be_empty()
    await expect(page.locator("#time-left")).to_contain_text("paused")

    await intervene(own_site, "ann", "resume")
    await expect(page.locator("#content")).to_contain_text("Why is the sky")
    await expect(page.locator("#pause")).to_be_hidden()


async def test_more_time_shows_at_once(page: Page, own_site: Site) -> None:
    await open_exam(page, own_site)
    await expect(page.locator("#time-left-value")).to_contain_text("59:")
    await intervene(own_site, "ann", "extend", seconds=600)

    await expect(page.locator("#time-left-value")).to_contain_text("1:09:")
    await expect(page.locator("#chat-log")).to_contain_text("You were given more time.")


async def test_a_lost_connection_is_said_and_found_again(page: Page, own_site: Site) -> None:
    cut = False

    async def line(socket: WebSocketRoute) -> None:
        if cut:
            await socket.close()
        else:
            socket.connect_to_server()

    await page.route_web_socket("**/ws/**", line)
    await open_exam(page, own_site)
    said = page.locator("#link-banner-text")

    cut = True
    own_site.server.app[keys.DESKS].rooms.send_away()
    await expect(page.locator("#link-banner")).to_be_visible()
    await expect(said).to_contain_text("The connection to the exam was lost")
    # Typed while the line is cut, told when it is back.
    await page.fill("#chat-text", "Are you there?")
    await page.press("#chat-text", "Enter")

    cut = False
    await expect(page.locator("#chat-log")).to_contain_text("Are you there?", timeout=15_000)
    await expect(said).not_to_contain_text("The connection to the exam was lost")


async def test_a_second_tab_takes_over_and_the_first_says_so(page: Page, own_site: Site) -> None:
    await open_exam(page, own_site)
    second = await page.context.new_page()
    await second.goto(page.url)
    await expect(second.locator("#content")).to_contain_text("Why is the sky")

    await expect(page.locator("#over-title")).to_have_text("Your exam is open in another tab")
    live = "document.querySelector('#own-video').srcObject?.getTracks().some((t) => t.readyState === 'live')"
    assert not await page.evaluate(live), "the camera is off on the page that was left"


async def test_handing_in_asks_first(page: Page, own_site: Site) -> None:
    await open_exam(page, own_site)
    await page.click("#hand-in")
    await page.keyboard.press("Escape")
    await expect(page.locator("#content")).to_be_visible()

    await page.click("#hand-in")
    await page.click("#hand-in-dialog button[value=yes]")
    await expect(page.locator("#over-title")).to_have_text("Your exam is over")
    await expect(page.locator("#content")).to_be_empty()


async def test_an_exam_a_proctor_ended_says_so_and_by_whom(page: Page, own_site: Site) -> None:
    await open_exam(page, own_site)
    await intervene(own_site, "ann", "terminate", "You were told about the phone twice.")

    await expect(page.locator("#over-text")).to_contain_text("A proctor ended it.")
    await expect(page.locator("#over-text")).to_contain_text("You were told about the phone twice.")


async def test_a_raised_hand_is_on_the_record(page: Page, own_site: Site) -> None:
    await open_exam(page, own_site)
    await page.click("#hand")
    await expect(page.locator("#hand")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#hand")).to_have_text("Lower hand")

    attempt = own_site.attempts["ann"]
    async with own_site.database.reading() as tx:
        assert [one.type for one in await tx.events.of_attempt(attempt.id)][-1] == "hand.raised"


SEEN = [
    ({"face": "one", "light": "ok", "sound": "quiet"}, ["Your face is in the picture."]),
    (
        {
            "face": "unknown",
            "light": "dark",
            "sound": "quiet",
            "blind": {"faces": "too_dark"},
            "notes": ["dark"],
        },
        ["We cannot tell yet whether your face is in the picture.", "It is too dark to see well."],
    ),
    (
        {"face": "several", "light": "ok", "sound": "speech", "notes": ["phone"]},
        [
            "We see more than one face.",
            "Something like a phone is in the picture.",
            "We hear someone speaking.",
        ],
    ),
]


@pytest.mark.parametrize(("seen", "lines"), SEEN, ids=["well", "dark, said once", "several things"])
async def test_what_the_system_sees_is_said_in_plain_words(
    page: Page, site: Site, seen: dict[str, object], lines: list[str]
) -> None:
    await page.goto(site.url("/login"))
    found = await page.evaluate(
        "async (seen) => { const { seenLines } = await import('/static/js/session/seen.js');"
        " return seenLines(seen).map(({ text }) => text); }",
        seen,
    )
    assert found == lines

"""What the student's page reports about itself, in a real browser with real keys."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.web.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LISTEN = """async () => {
  const { BrowserSignals } = await import("/static/js/signals.js");
  window.reports = [];
  window.signals = new BrowserSignals((kind, detail) => reports.push([kind, detail ?? {}]));
  signals.connect();
  signals.connect();
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def listening(page: Page, site: Site) -> Page:
    await page.goto(site.url("/login"))
    await page.evaluate(LISTEN)
    return page


async def reports(page: Page) -> list[Any]:
    said: list[Any] = await page.evaluate("reports")
    return said


async def test_copy_cut_and_paste_are_told_without_what_was_copied(listening: Page) -> None:
    await listening.fill("input[name=email]", "a secret")
    await listening.focus("input[name=email]")
    for keys in ("Control+a", "Control+c", "Control+x", "Control+v"):
        await listening.keyboard.press(keys)

    said = await reports(listening)
    assert [kind for kind, _ in said] == ["copy", "cut", "paste"]
    assert "secret" not in str(said)


@pytest.mark.parametrize(
    ("keys", "told"),
    [("F12", "f12"), ("Control+Shift+I", "ctrl+shift+i"), ("Control+p", "ctrl+p"), ("Control+f", "ctrl+f")],
)
async def test_shortcut_keys_that_leave_or_open_tools_are_told(listening: Page, keys: str, told: str) -> None:
    await listening.keyboard.press(keys)

    assert ["shortcut", {"keys": told}] in await reports(listening)


async def test_ordinary_typing_is_nobodys_business(listening: Page) -> None:
    await listening.focus("input[name=email]")
    await listening.keyboard.type("Why is the sky blue? F=ma")
    await listening.keyboard.press("Control+a")

    assert await reports(listening) == []


async def test_leaving_the_window_and_coming_back(listening: Page) -> None:
    await listening.focus("input[name=email]")
    await listening.evaluate("dispatchEvent(new Event('blur')), dispatchEvent(new Event('focus'))")
    # A field that loses the focus is not a window that does.
    await listening.evaluate("document.querySelector('input[name=email]').blur()")

    assert [kind for kind, _ in await reports(listening)] == ["window_blur", "window_focus"]


async def test_full_screen_is_told_both_ways(listening: Page) -> None:
    await listening.evaluate(
        "document.querySelector('h1').onclick = () => document.documentElement.requestFullscreen()"
    )
    await listening.click("h1")
    await listening.wait_for_selector(":root:fullscreen")
    await listening.evaluate("document.exitFullscreen()")
    await listening.wait_for_selector(":root:not(:fullscreen)")

    assert [kind for kind, _ in await reports(listening) if "fullscreen" in kind] == [
        "fullscreen_entered",
        "fullscreen_left",
    ]


async def test_docked_developer_tools_are_guessed_from_the_lost_width(listening: Page) -> None:
    share = await listening.evaluate(
        """async () => {
          const { WindowShare } = await import("/static/js/signals.js");
          const share = new WindowShare();
          const before = share.lost();
          Object.defineProperty(window, "innerWidth", { value: innerWidth - 400, configurable: true });
          return { before, docked: share.lost() };
        }"""
    )
    assert share["before"] < 10
    assert share["docked"] == pytest.approx(400, abs=10)


async def test_after_disconnect_nothing_is_told(listening: Page) -> None:
    await listening.evaluate("signals.disconnect(), signals.disconnect()")
    await listening.keyboard.press("F12")
    await listening.evaluate("dispatchEvent(new Event('blur'))")

    assert await reports(listening) == []


async def test_tracks_that_mute_end_or_are_swapped_are_told(listening: Page) -> None:
    told = await listening.evaluate(
        """async () => {
          const { TrackSignals } = await import("/static/js/signals.js");
          const told = [], ended = [];
          const watch = new TrackSignals(
            (kind, detail) => told.push([kind, detail.track]),
            (name) => ended.push(name),
          );
          const devices = await navigator.mediaDevices.enumerateDevices();
          const inputs = devices.filter(({ kind }) => kind === "audioinput");
          const open = async ({ deviceId }) => {
            const audio = { deviceId: { exact: deviceId } };
            return (await navigator.mediaDevices.getUserMedia({ audio })).getTracks()[0];
          };
          const [first, second] = [await open(inputs[0]), await open(inputs[1])];
          watch.watch("microphone", first);
          first.dispatchEvent(new Event("mute"));
          first.dispatchEvent(new Event("unmute"));
          watch.watch("microphone", second);
          first.dispatchEvent(new Event("ended"));
          second.dispatchEvent(new Event("ended"));
          return { told, ended };
        }"""
    )
    assert told["told"] == [
        ["track_muted", "microphone"],
        ["track_unmuted", "microphone"],
        ["track_replaced", "microphone"],
        ["track_ended", "microphone"],
    ]
    assert told["ended"] == ["microphone"], "a track that was swapped out is no longer watched"

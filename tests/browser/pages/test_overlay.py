"""Overlays meet the frames they were seen in: the arithmetic by tables, the drawing on a real connection."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.web.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MODULE = "/static/js/overlay.js"


@pytest_asyncio.fixture(loop_scope="session")
async def module(page: Page, site: Site) -> Page:
    """A page of the site on which the module can be imported."""
    await page.goto(site.url("/login"))
    return page


async def call(page: Page, expression: str, argument: object = None) -> Any:
    """Evaluate `expression` with `overlay` (the module) and `argument`."""
    return await page.evaluate(
        f"async (argument) => {{ const overlay = await import('{MODULE}'); return ({expression}); }}",
        argument,
    )


@pytest.mark.parametrize(
    ("received", "offset", "source"),
    [
        (9_000, 0, 9_000),
        (9_000, 4_000, 5_000),
        (100, 1_000, 2**32 - 900),
        (2**32 - 1, 2**32 - 1, 0),
        (5, -7, 12),
    ],
)
async def test_the_source_timestamp_wraps_at_32_bits(
    module: Page, received: int, offset: int, source: int
) -> None:
    assert await call(module, "overlay.sourceTimestamp(...argument)", [received, offset]) == source


@pytest.mark.parametrize(
    ("frame", "overlays", "nearest"),
    [
        (90_000, [90_000], 90_000),
        (90_000, [60_000, 93_000, 120_000], 93_000),
        (45_000, [2**32 - 9_000], 2**32 - 9_000),
        (900_000, [90_000, 180_000], None),
        (90_000, [], None),
    ],
    ids=["same frame", "nearest of several", "across the wrap", "stale is hidden", "none yet"],
)
async def test_the_nearest_overlay_within_the_tolerance(
    module: Page, frame: int, overlays: list[int], nearest: int | None
) -> None:
    found = await call(
        module,
        """(() => {
            const buffer = new overlay.OverlayBuffer();
            for (const rtp of argument.overlays) buffer.add({ attempt: "a", rtp, boxes: [] });
            return buffer.nearest(argument.frame)?.rtp ?? null;
        })()""",
        {"frame": frame, "overlays": overlays},
    )
    assert found == nearest


@pytest.mark.parametrize(
    ("element", "picture", "place"),
    [
        ([800, 600], [640, 480], {"x": 0, "y": 0, "width": 800, "height": 600}),
        ([1000, 600], [640, 480], {"x": 100, "y": 0, "width": 800, "height": 600}),
        ([800, 800], [640, 480], {"x": 0, "y": 100, "width": 800, "height": 600}),
    ],
    ids=["fits", "bars at the sides", "bars above and below"],
)
async def test_boxes_lie_on_the_picture_not_on_its_black_bars(
    module: Page, element: list[int], picture: list[int], place: dict[str, float]
) -> None:
    assert await call(module, "overlay.containedPicture(...argument)", [*element, *picture]) == place


PAINT = """async () => {
  const { OverlayPainter, sourceTimestamp } = await import("/static/js/overlay.js");
  const source = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const context = source.getContext("2d");
  let shade = 0;
  const painting = setInterval(() => {
    context.fillStyle = `rgb(${(shade = (shade + 1) % 64)}, 0, 0)`;
    context.fillRect(0, 0, 320, 240);
  }, 50);
  const [sender, receiver] = [new RTCPeerConnection(), new RTCPeerConnection()];
  sender.onicecandidate = ({ candidate }) => candidate && receiver.addIceCandidate(candidate);
  receiver.onicecandidate = ({ candidate }) => candidate && sender.addIceCandidate(candidate);
  const arrived = new Promise((resolve) => (receiver.ontrack = ({ track }) => resolve(track)));
  sender.addTrack(source.captureStream(20).getVideoTracks()[0]);
  await sender.setLocalDescription();
  await receiver.setRemoteDescription(sender.localDescription);
  await receiver.setLocalDescription();
  await sender.setRemoteDescription(receiver.localDescription);

  const video = Object.assign(document.createElement("video"), { muted: true, autoplay: true });
  const canvas = document.createElement("canvas");
  for (const element of [video, canvas]) {
    Object.assign(element.style, { position: "fixed", left: 0, top: 0, width: "320px", height: "240px" });
  }
  document.body.append(video, canvas);
  video.srcObject = new MediaStream([await arrived]);
  const next = () =>
    new Promise((resolve) => video.requestVideoFrameCallback((_, frame) => resolve(frame.rtpTimestamp)));
  const painter = new OverlayPainter(video, canvas);
  const rtp_offset = 123_456;
  painter.mapping = { type: "mapping", watcher: "w", mid: "0", attempt: "a", track: "main", rtp_offset };
  painter.start();
  const boxes = [{ left: 0.25, top: 0.25, right: 0.75, bottom: 0.75, label: "phone", score: 0.9 }];
  painter.buffer.add({ attempt: "a", rtp: sourceTimestamp(await next(), rtp_offset), boxes });
  await next();
  await next();
  const scale = devicePixelRatio;
  const pixel = (x, y) => [...canvas.getContext("2d").getImageData(x * scale, y * scale, 1, 1).data];
  const drawn = { edge: pixel(80, 120), inside: pixel(160, 120), shown: painter.shown !== null };
  painter.mapping = { ...painter.mapping, track: "annotated" };
  await next();
  await next();
  const hidden = { edge: pixel(80, 120), shown: painter.shown !== null };
  painter.stop();
  clearInterval(painting);
  sender.close();
  receiver.close();
  return { drawn, hidden };
}"""


async def test_a_box_is_drawn_over_the_frame_it_was_seen_in(module: Page) -> None:
    result = await module.evaluate(PAINT)

    red, green, blue, alpha = result["drawn"]["edge"]
    assert result["drawn"]["shown"] and alpha == 255
    assert red > 150 and green < 100 and blue < 110, "a phone's box has the alert's colour"
    assert result["drawn"]["inside"][3] == 0, "the picture shows through"


async def test_nothing_is_drawn_over_the_annotated_track(module: Page) -> None:
    result = await module.evaluate(PAINT)

    assert not result["hidden"]["shown"]
    assert result["hidden"]["edge"][3] == 0

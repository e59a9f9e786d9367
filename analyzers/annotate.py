"""Burned-in annotation: boxes, landmarks, gaze and labels on a picture; JPEG and VP8.

The exception, not the rule: proctors' browsers draw their own overlay. This is for evidence pictures,
for rendered files, and for players without our page.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from analyzers.pipeline import Drawing
from core.findings import Box

Image = NDArray[np.uint8]
"""height × width × 3, BGR."""
_Colour = tuple[int, int, int]

_CALM: _Colour = (235, 235, 235)
_GAZE: _Colour = (240, 180, 90)
_ALERT: _Colour = (60, 60, 225)
_INK: _Colour = (20, 20, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
VIDEO_CLOCK = 90_000


def draw(image: Image, drawing: Drawing, alerts: Iterable[str] = ()) -> Image:
    """A copy with everything drawn in; `alerts` are written along the bottom, in red."""
    canvas = image.copy()
    height, width = canvas.shape[:2]
    for x, y in drawing.points:
        cv2.circle(canvas, (round(x * width), round(y * height)), 1, _CALM, -1, cv2.LINE_AA)
    if drawing.gaze:
        x0, y0, x1, y1 = drawing.gaze
        start, end = (round(x0 * width), round(y0 * height)), (round(x1 * width), round(y1 * height))
        cv2.arrowedLine(canvas, start, end, _GAZE, 2, cv2.LINE_AA, tipLength=0.2)
    for box in drawing.boxes:
        _box(canvas, box)
    left = 6
    for alert in alerts:
        left += _label(canvas, alert, left, height - 8, _ALERT) + 6
    return canvas


def jpeg(image: Image, *, width: int | None = None, quality: int = 80) -> bytes:
    """`width`: shrink to this, proportions kept."""
    if width is not None and width < image.shape[1]:
        height = round(image.shape[0] * width / image.shape[1])
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"cannot encode a picture of {image.shape}")
    return data.tobytes()


def _box(canvas: Image, box: Box) -> None:
    height, width = canvas.shape[:2]
    colour = _CALM if box.label == "face" else _ALERT
    corner = (round(box.left * width), round(box.top * height))
    cv2.rectangle(canvas, corner, (round(box.right * width), round(box.bottom * height)), colour, 2)
    if box.label != "face":
        _label(canvas, f"{box.label} {box.score:.0%}", corner[0], max(14, corner[1] - 4), colour)


def _label(canvas: Image, text: str, left: int, bottom: int, colour: _Colour) -> int:
    """Text on a plate; the plate's width in pixels."""
    (width, height), _ = cv2.getTextSize(text, _FONT, 0.45, 1)
    cv2.rectangle(canvas, (left, bottom - height - 5), (left + width + 6, bottom + 4), colour, -1)
    ink = _INK if colour == _CALM else (255, 255, 255)
    cv2.putText(canvas, text, (left + 3, bottom), _FONT, 0.45, ink, 1, cv2.LINE_AA)
    return int(width) + 6


class AnnotatedEncoder:
    """VP8 of annotated pictures of one student, encoded once for all who watch."""

    def __init__(self, *, bit_rate: int = 500_000, fps: int = 10, gop_s: float = 10.0) -> None:
        self._bit_rate = bit_rate
        self._fps = fps
        self._gop = round(fps * gop_s)
        self._size = (0, 0)
        self._context: av.VideoCodecContext | None = None
        self._keyframe = True
        self._pts = 0

    def want_keyframe(self) -> None:
        """The next picture will be one."""
        self._keyframe = True

    def encode(self, image: Image) -> tuple[bytes, bool] | None:
        """The encoded picture and whether it is a keyframe; None where the encoder gave nothing."""
        size = (image.shape[1], image.shape[0])
        if self._context is None or size != self._size:
            self._context, self._size, self._keyframe = self._open(*size), size, True
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
        frame = frame.reformat(format="yuv420p", threads=1)
        frame.pts = self._pts
        frame.pict_type = av.video.frame.PictureType.I if self._keyframe else av.video.frame.PictureType.NONE
        self._pts += 1
        self._keyframe = False
        packets = self._context.encode(frame)
        return (bytes(packets[0]), bool(packets[0].is_keyframe)) if packets else None

    def _open(self, width: int, height: int) -> av.VideoCodecContext:
        context = av.CodecContext.create("libvpx", "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, self._fps), Fraction(self._fps)
        context.bit_rate = self._bit_rate
        context.gop_size = self._gop
        context.thread_count = 1
        context.options = {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "error-resilient": "1",
        }
        return context

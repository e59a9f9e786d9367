from __future__ import annotations

import av
import cv2
import numpy as np
import pytest

from analyzers.annotate import AnnotatedEncoder, draw, jpeg
from analyzers.pipeline import Drawing
from core.findings import Box

GREY = np.full((480, 640, 3), 120, np.uint8)


def changed(image: np.ndarray) -> np.ndarray:
    return np.any(image != GREY, axis=2)


def test_nothing_to_draw_changes_nothing() -> None:
    assert not changed(draw(GREY, Drawing())).any()


def test_a_box_is_drawn_where_it_is_and_the_original_is_left_alone() -> None:
    box = Box(0.25, 0.25, 0.5, 0.5, "face", 0.9)
    where = changed(draw(GREY, Drawing((box,))))
    rows, columns = np.where(where)
    assert (rows.min(), rows.max()) == pytest.approx((120, 240), abs=2)
    assert (columns.min(), columns.max()) == pytest.approx((160, 320), abs=2)
    assert not where[140:220, 180:300].any(), "only the outline"
    assert not changed(GREY).any()


def test_things_are_red_and_named_and_faces_are_not() -> None:
    def redness(label: str) -> int:
        image = draw(GREY, Drawing((Box(0.4, 0.4, 0.6, 0.6, label),))).astype(int)
        return int(((image[..., 2] - image[..., 0]) > 80).sum())

    assert redness("phone") > 1000
    assert redness("face") == 0


def test_landmarks_gaze_and_alerts_are_drawn() -> None:
    assert changed(draw(GREY, Drawing(points=((0.5, 0.5),))))[238:243, 318:323].any()
    assert changed(draw(GREY, Drawing(gaze=(0.5, 0.5, 0.7, 0.5))))[238:243, 330:440].any()
    assert changed(draw(GREY, Drawing(), ["phone", "no face"]))[455:, :200].sum() > 500


def test_boxes_at_the_edge_do_no_harm() -> None:
    draw(GREY, Drawing((Box(0.0, 0.0, 1.0, 1.0, "phone"), Box(1.0, 1.0, 1.0, 1.0, "book"))))


@pytest.mark.parametrize(
    ("width", "shape"), [(None, (480, 640, 3)), (160, (120, 160, 3)), (2000, (480, 640, 3))]
)
def test_jpeg_shrinks_but_never_grows(width: int | None, shape: tuple[int, int, int]) -> None:
    decoded = cv2.imdecode(np.frombuffer(jpeg(GREY, width=width), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == shape


def moving(n: int, height: int = 480, width: int = 640) -> np.ndarray:
    image = np.full((height, width, 3), 90, np.uint8)
    image[50:150, n * 5 : n * 5 + 100] = (30, 60, 220)
    return image


def test_the_encoder_gives_a_keyframe_first_and_when_asked() -> None:
    encoder = AnnotatedEncoder()
    flags = []
    decoder = av.CodecContext.create("vp8", "r")
    for n in range(12):
        if n == 6:
            encoder.want_keyframe()
        encoded = encoder.encode(moving(n))
        assert encoded is not None
        data, keyframe = encoded
        assert keyframe == (data[0] & 1 == 0)
        flags.append(keyframe)
        (frame,) = decoder.decode(av.Packet(data))
        red = frame.to_ndarray(format="bgr24")[100, n * 5 + 50]
        assert abs(int(red[2]) - 220) < 40
    assert [n for n, keyframe in enumerate(flags) if keyframe] == [0, 6]


def test_another_picture_size_starts_anew_with_a_keyframe() -> None:
    encoder = AnnotatedEncoder()
    encoder.encode(moving(0))
    encoded = encoder.encode(moving(1, 240, 320))
    assert encoded is not None
    assert encoded[1]

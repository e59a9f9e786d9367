"""COCO's labels, and those of them that mean something in an exam."""

from __future__ import annotations

from typing import Final

PERSON: Final = "person"
PHONE: Final = "cell phone"
BOOK: Final = "book"
LAPTOP: Final = "laptop"
TV: Final = "tv"

WATCHED: Final = (PERSON, PHONE, BOOK, LAPTOP, TV)

INDEX_80: Final = {PERSON: 0, TV: 62, LAPTOP: 63, PHONE: 67, BOOK: 73}
"""Position in the 80-class numbering (YOLO)."""

INDEX_90: Final = {PERSON: 0, TV: 71, LAPTOP: 72, PHONE: 76, BOOK: 83}
"""Position in the 90-class numbering (TensorFlow), counted from 0 without the background."""

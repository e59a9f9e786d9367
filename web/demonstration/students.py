"""The process of the demo's simulated students: python -m web.demonstration.students

Who plays what comes on standard input, one line of JSON. It ends when standard input does, so that it
never outlives the server, however that ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

import msgspec
import uvloop

from config import logging
from core.samples import SignalKind
from simulation import clips
from simulation.client import PlannedSignal
from simulation.load import Cast, run_load

LOOKS_ELSEWHERE = {
    "phone": (
        PlannedSignal(25.0, SignalKind.TAB_HIDDEN, every=120.0),
        PlannedSignal(31.0, SignalKind.TAB_VISIBLE, every=120.0),
    )
}
"""By clip: who also goes to another tab now and then."""


class Part(msgspec.Struct, frozen=True):
    link: str
    clip: str
    rests: int = 0


async def play(parts: list[Part]) -> None:
    casts = [
        Cast(part.link, clips.ensure(part.clip), part.rests, LOOKS_ELSEWHERE.get(part.clip, ()))
        for part in parts
    ]
    playing = asyncio.create_task(run_load(casts), name="students")
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 65536) else stop())

    def stop() -> None:
        loop.remove_reader(sys.stdin.fileno())
        playing.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, playing.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await playing


def main() -> None:
    logging.configure("warning", as_json=False)
    # Read without buffering: what follows is the end, and the loop waits for it.
    line = bytearray()
    while not line.endswith(b"\n"):
        more = os.read(sys.stdin.fileno(), 65536)
        if not more:
            return
        line += more
    parts = msgspec.json.decode(bytes(line), type=list[Part])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(play(parts))


if __name__ == "__main__":
    main()

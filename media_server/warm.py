"""A worker process that has its imports and weights behind it and waits to be needed.

    python -m media_server.warm MODULE SETTINGS DESCRIPTOR

imports MODULE, calls its `warm_up(WorkerSettings)` where it has one (which must not raise: what is wrong is
said when the worker starts), closes DESCRIPTOR as a sign that it is warm, then reads one line from
standard input: the JSON list of arguments for MODULE's `main(argv)`. A killed worker is so replaced in a
few milliseconds, not in the seconds that imports and weights take.

The pipe stays open as long as the supervisor lives; when it closes, a process that does not end by itself
within a few seconds is ended.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time

from config.worker import WorkerSettings

GRACE_S = 10.0
"""For closing recordings in order after the supervisor has gone."""


def main(module_name: str, settings: str, descriptor: str) -> int:
    module = importlib.import_module(module_name)
    if hasattr(module, "warm_up"):
        module.warm_up(WorkerSettings.model_validate_json(settings))
    os.close(int(descriptor))
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    threading.Thread(target=_end_with_supervisor, name="supervisor-watch", daemon=True).start()
    return int(module.main(json.loads(line)) or 0)


def _end_with_supervisor() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        continue
    time.sleep(GRACE_S)
    os._exit(70)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

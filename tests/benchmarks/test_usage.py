"""CPU that was really burnt is found, in the right process and thread."""

import os
import threading
import time

from benchmarks.usage import core_percent, snapshot, thread_percent
from config.naming import name_thread


def burn(seconds: float) -> None:
    ends = time.thread_time() + seconds
    while time.thread_time() < ends:
        pass


def test_a_busy_thread_is_found_by_its_name() -> None:
    stop = threading.Event()

    def busy() -> None:
        name_thread("stoker-1")
        burn(0.5)
        stop.wait()

    before = snapshot([os.getpid()])
    thread = threading.Thread(target=busy)
    thread.start()
    burn(0.1)
    time.sleep(0.5)
    after = snapshot([os.getpid()])
    stop.set()
    thread.join()
    stoker = thread_percent(before, after, os.getpid(), "stoker")
    assert stoker > 0
    assert stoker <= core_percent(before, after, os.getpid()) * 1.2
    assert after.rss[os.getpid()] > 1_000_000

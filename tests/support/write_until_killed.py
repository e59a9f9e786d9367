"""Run as a process of its own: records 14 s of footage into a directory, then waits to be killed."""

from __future__ import annotations

import sys
import time

from media_server.recording import AttemptRecording, RecordingOptions
from tests.support.footage import sound, together, video
from transport.messages import StartRecording


def main(directory: str) -> None:
    options = RecordingOptions(segment_s=4, min_free_mb=0)
    recording = AttemptRecording(StartRecording("attempt-1", directory, 0), options)
    for frame in together(video(14), sound(14)):
        recording.write([frame], frame.captured_at)
    sys.stdout.write("written\n")
    sys.stdout.flush()
    time.sleep(60)


if __name__ == "__main__":
    main(sys.argv[1])

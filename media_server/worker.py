"""The media process: `python -m media_server.worker --index 0 --control PATH --settings JSON`.

Started by the supervisor (through `media_server.warm`). Ends when told to (SIGTERM) and when the web process
hangs up; in both cases recordings are closed in order first.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence

import uvloop

from config.logging import configure
from config.naming import MEDIA, name_process
from config.worker import WorkerArguments, parse_arguments
from media_server.addresses import gather_on
from media_server.service import HEALTH_LOOK_S, MediaService
from transport.channel import Channel, connect
from transport.messages import AnyMessage, Hello

log = logging.getLogger(__name__)


async def serve(arguments: WorkerArguments) -> None:
    """Until the control channel closes or a signal says so."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    async def handle(_: Channel, message: AnyMessage) -> AnyMessage | None:
        return await service.take(message)

    channel = await connect(arguments.control, handle)
    settings = arguments.settings
    gather_on(settings.media.bind_address)
    service = MediaService(arguments.index, settings.media, settings.recording, channel.send)
    channel.send(Hello("media", arguments.index, os.getpid()))
    log.info("media process is up", extra={"index": arguments.index})
    try:
        while not (stopping.is_set() or channel.closed.is_set()):
            service.look()
            await asyncio.sleep(HEALTH_LOOK_S)
    finally:
        await service.aclose()
        await channel.aclose()


def main(argv: Sequence[str] | None = None) -> int:
    name_process(MEDIA)
    arguments = parse_arguments(argv)
    configure(arguments.settings.log_level, as_json=arguments.settings.log_json)
    try:
        uvloop.run(serve(arguments))
    except OSError as error:
        log.error("the web process cannot be reached", extra={"error": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

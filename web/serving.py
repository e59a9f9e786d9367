"""Run the server until it is told to stop. What keeps it from starting is said in one sentence."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import shutil
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from aiohttp import web

from config.settings import Settings
from core.errors import BadSettings
from web.app import make_app
from web.fleets import supervised

SHUTDOWN_S = 5.0
"""How long requests that have begun may go on after the server was told to stop."""


def run(main: Coroutine[Any, Any, None]) -> None:
    """An entry point's event loop. What a full disk does to a start becomes a sentence."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise BadSettings(detail="The disk is full: free some space and start again.") from error
        raise


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Settings]:
    """The whole server, up when the block begins; the settings have the port that was really taken.

    Raises BadSettings for a busy port, a full disk, a certificate that cannot be read.
    """
    check_disk(settings)
    tls = _tls(settings)
    listening = _listen(settings)
    port = listening.getsockname()[1]
    settings = settings.model_copy(update={"web": settings.web.model_copy(update={"port": port})})
    runner = web.AppRunner(
        make_app(settings, make_fleet=supervised), shutdown_timeout=SHUTDOWN_S, access_log=None
    )
    try:
        await runner.setup()
        await web.SockSite(runner, listening, ssl_context=tls).start()
        # What lives now lives to the end: keep it out of every later collection.
        gc.freeze()
        yield settings
    finally:
        await runner.cleanup()
        listening.close()


async def until_told_to_stop() -> None:
    """Returns at SIGINT (Ctrl-C) or SIGTERM."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    try:
        await told.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def check_disk(settings: Settings) -> None:
    """Raises BadSettings where there is not even room for the recordings' reserve."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        free_mb = shutil.disk_usage(settings.data_dir).free // 2**20
    except OSError as error:
        raise BadSettings(
            detail=f"The data directory {settings.data_dir} cannot be used: {error.strerror}."
        ) from error
    if free_mb < settings.recording.min_free_mb:
        raise BadSettings(
            detail=f"Only {free_mb} MB are free under {settings.data_dir}, and recording keeps "
            f"{settings.recording.min_free_mb} MB free: make room, or name another disk with "
            "INVIGIL_DATA_DIR."
        )


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.web.host, settings.web.port
    with contextlib.ExitStack() as undo:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listening = undo.enter_context(socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
        except socket.gaierror as error:
            raise BadSettings(detail=f"There is no address {host}: name another with --host.") from error
        except OSError as error:
            raise BadSettings(detail=_why_not(host, port, error)) from error
        undo.pop_all()
        return listening
    raise AssertionError("unreachable")


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use: stop what is using it, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has: choose one above 1023 with --port."
    return f"The server cannot listen on {host}, port {port}: {error.strerror}."


def _tls(settings: Settings) -> ssl.SSLContext | None:
    cert, key = settings.web.tls_cert, settings.web.tls_key
    if cert is None or key is None:
        return None
    for file in (cert, key):
        if not file.is_file():
            raise BadSettings(detail=f"There is no file {file}, which the TLS settings name.")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except (ssl.SSLError, OSError) as error:
        raise BadSettings(
            detail=f"{cert} and {key} are not a certificate and its key in PEM form."
        ) from error
    return context

"""The composition root: builds every part, starts them in order, closes them in the reverse one."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

from aiohttp import web

from config.settings import Settings
from core.ports import Clock
from db import migrate
from db.database import Database
from db.objects import DiskEvidence, IndexedEvidence
from signaling.analysis_desk import AnalysisDesk
from signaling.attempts_desk import AttemptsDesk
from signaling.desks import Desks
from signaling.fleet import Fleet
from signaling.incidents_desk import IncidentsDesk
from signaling.interventions import InterventionsDesk
from signaling.media_desk import MediaDesk, WorkerRole
from signaling.recording_desk import RecordingDesk
from signaling.rooms import Rooms
from signaling.watching import WatchingDesk
from transport.messages import AnyMessage
from web import api, keys, pages, sockets
from web.access import Access
from web.links import Links
from web.passwords import Passwords
from web.problems import say_problems
from web.recordings import Recordings
from web.render import make_templates
from web.security import add_headers, refuse_other_sites
from web.sessions import Sessions

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
MAX_BODY_BYTES = 64 * 1024
"""Of forms and verdicts; pictures and offers come over sockets."""


def make_desks(
    settings: Settings, fleet: Fleet, database: Database, evidence: IndexedEvidence, clock: Clock
) -> Desks:
    rooms = Rooms(database, clock)
    incidents = IncidentsDesk(database, rooms, evidence, clock)
    interventions = InterventionsDesk(database)
    analysis = AnalysisDesk(
        fleet=fleet,
        database=database,
        rooms=rooms,
        incidents=incidents,
        evidence=evidence,
        settings=settings.analysis,
        clock=clock,
    )
    recording = RecordingDesk(
        fleet=fleet,
        database=database,
        rooms=rooms,
        incidents=incidents,
        directory=settings.recordings_dir,
        enabled=settings.recording.enabled,
    )
    watching = WatchingDesk(
        fleet=fleet, rooms=rooms, analysis=analysis, interventions=interventions, clock=clock
    )
    media = MediaDesk(
        fleet=fleet,
        rooms=rooms,
        incidents=incidents,
        analysis=analysis,
        recording=recording,
        watching=watching,
        clock=clock,
    )
    return Desks(
        rooms=rooms,
        attempts=AttemptsDesk(database, rooms, clock),
        interventions=interventions,
        incidents=incidents,
        analysis=analysis,
        recording=recording,
        watching=watching,
        media=media,
        clock=clock,
        ice_servers=settings.media.ice_servers,
    )


class RunningFleet(Fleet, Protocol):
    """A fleet with its life in our hands."""

    async def start(self) -> None: ...

    async def aclose(self) -> None: ...


class FleetListener(Protocol):
    """Told what the workers say, and which of them come and go. Never blocks."""

    def take(self, role: WorkerRole, index: int, message: AnyMessage) -> None: ...

    def up(self, role: WorkerRole, index: int) -> None: ...

    def down(self, role: WorkerRole, index: int) -> None: ...


FleetMaker = Callable[[Settings, Callable[[], FleetListener]], RunningFleet]
"""Given the settings and a way to reach the listener, which exists before the fleet is started."""


def make_app(settings: Settings, *, make_fleet: FleetMaker, clock: Clock = time.time) -> web.Application:
    """The whole server; everything is started with it and closed with it."""
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[say_problems, refuse_other_sites])
    key = settings.signing_key()
    app[keys.SETTINGS] = settings
    app[keys.TEMPLATES] = make_templates()
    app[keys.SESSIONS] = Sessions(key, secure=settings.base_url.startswith("https://"))
    app[keys.LINKS] = Links(key, settings.base_url, clock)
    app[keys.PASSWORDS] = Passwords(clock)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_send_away)
    app.cleanup_ctx.append(lambda app: _parts(app, make_fleet, clock))
    pages.add_routes(app)
    sockets.add_routes(app)
    api.add_routes(app)
    app.router.add_static("/static/", STATIC, append_version=False)
    return app


async def _send_away(app: web.Application) -> None:
    app[keys.DESKS].rooms.send_away()


async def _parts(app: web.Application, make_fleet: FleetMaker, clock: Clock) -> AsyncIterator[None]:
    """From the bottom up: data, workers' listeners, rooms, workers; and down again in the other order."""
    settings = app[keys.SETTINGS]
    async with AsyncExitStack() as stack:
        await migrate.upgrade(settings.database)
        database = Database(settings.database, clock=clock)
        stack.push_async_callback(database.close)
        files = DiskEvidence(settings.evidence_dir)
        await files.sweep()
        fleet = make_fleet(settings, lambda: app[keys.DESKS].media)
        desks = make_desks(settings, fleet, database, IndexedEvidence(files, database, clock=clock), clock)
        app[keys.DATABASE], app[keys.EVIDENCE], app[keys.DESKS] = database, files, desks
        app[keys.ACCESS] = Access(database)
        app[api.RECORDINGS] = Recordings(database, settings.recordings_dir, desks.media.still_recording)
        for close in (desks.rooms.aclose, desks.incidents.aclose, desks.attempts.aclose, desks.media.aclose):
            stack.push_async_callback(close)
        await desks.rooms.start()
        await desks.incidents.start()
        await desks.media.start()
        desks.attempts.start_clocks()
        # Closed first: what the workers say while they close is still heard.
        stack.push_async_callback(fleet.aclose)
        await fleet.start()
        yield

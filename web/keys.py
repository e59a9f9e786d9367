"""Names for what the composition root puts into the aiohttp application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import jinja2

    from config.settings import Settings
    from db.database import Database
    from db.objects import DiskEvidence
    from signaling.desks import Desks
    from web.access import Access
    from web.links import Links
    from web.passwords import Passwords
    from web.sessions import Sessions

SETTINGS: web.AppKey[Settings] = web.AppKey("settings")
DATABASE: web.AppKey[Database] = web.AppKey("database")
EVIDENCE: web.AppKey[DiskEvidence] = web.AppKey("evidence")
DESKS: web.AppKey[Desks] = web.AppKey("desks")
ACCESS: web.AppKey[Access] = web.AppKey("access")
LINKS: web.AppKey[Links] = web.AppKey("links")
PASSWORDS: web.AppKey[Passwords] = web.AppKey("passwords")
SESSIONS: web.AppKey[Sessions] = web.AppKey("sessions")
TEMPLATES: web.AppKey[jinja2.Environment] = web.AppKey("templates")

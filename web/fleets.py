"""The real fleet: worker processes under a supervisor."""

from __future__ import annotations

from collections.abc import Callable

from config.settings import Settings
from media_server.supervisor import Supervisor
from web.app import FleetListener


def supervised(settings: Settings, listener: Callable[[], FleetListener]) -> Supervisor:
    return Supervisor(
        settings,
        on_message=lambda role, index, message: listener().take(role, index, message),
        on_up=lambda role, index: listener().up(role, index),
        on_down=lambda role, index: listener().down(role, index),
    )

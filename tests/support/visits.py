"""Ways into a site for a browser under test, and what others do meanwhile."""

from __future__ import annotations

from playwright.async_api import Page

from core.attempts import Action
from signaling.messages import Intervene, Intervention
from tests.web.conftest import Site
from web import keys


async def enter(page: Page, site: Site, name: str, path: str) -> None:
    """Log in by this person's signed link, then go to `path`."""
    link = site.server.app[keys.LINKS].make(site.users[name].id)
    await page.goto(site.url(link[link.index("/join/") :]))
    await page.goto(site.url(path))


async def start(site: Site, name: str) -> None:
    """This student's attempt runs, as if begun on another device."""
    async with site.database.transaction() as tx:
        await tx.attempts.apply(site.attempts[name].id, Action.START, actor=site.users[name].id)


async def intervene(site: Site, name: str, action: Intervention, text: str = "", seconds: int = 0) -> str:
    """A proctor does this to the student's attempt, elsewhere; the intervention's id."""
    desks, attempt = site.server.app[keys.DESKS], site.attempts[name]
    room = await desks.rooms.room(attempt.exam_id)
    asked = Intervene(id=1, attempt=attempt.id, action=action, reason="a test", text=text, seconds=seconds)
    return await desks.interventions.carry_out(room.seats[attempt.id], asked, site.users["proctor"].id)

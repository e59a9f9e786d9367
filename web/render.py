"""Pages from templates. Each is given who looks at it, a token for its forms, and its own data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from core.errors import Unauthenticated
from db.users import User
from web.keys import ACCESS, SESSIONS, TEMPLATES

HERE = Path(__file__).parent


def make_templates() -> jinja2.Environment:
    """A name that a template misspells is an error, not an empty place."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


async def current_user(request: web.Request) -> User:
    """Raises Unauthenticated."""
    session = request.app[SESSIONS].read(request)
    return await request.app[ACCESS].user(session.user_id)


async def render(
    request: web.Request,
    template: str,
    *,
    status: int = 200,
    page: dict[str, Any] | None = None,
    **facts: Any,
) -> web.Response:
    """`page` goes to the page's scripts as JSON; `facts` to the template."""
    app = request.app
    try:
        user: User | None = await current_user(request)
    except Unauthenticated:
        user = None
    response = web.Response(status=status, content_type="text/html", charset="utf-8")
    sessions = app[SESSIONS]
    session = sessions.read(request)
    if not session.nonce:
        session = sessions.open(response, None)
    token = sessions.token(session)
    response.text = (
        app[TEMPLATES]
        .get_template(template)
        .render(
            user={"name": user.name, "role": user.role.value} if user else None,
            csrf=token,
            page=page or {},
            status=status,
            **facts,
        )
    )
    return response

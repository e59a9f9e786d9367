from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Host = Annotated[
    str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.", show_default=False)
]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Default: 8080. 0: any free one.", show_default=False)
]
Cert = Annotated[
    Path | None, typer.Option(help="Certificate chain (PEM). Needed on any address but loopback.")
]
Key = Annotated[Path | None, typer.Option(help="The certificate's private key (PEM).")]


def serve(host: Host = None, port: Port = None, tls_cert: Cert = None, tls_key: Key = None) -> None:
    """Run the server. Everything else is set by INVIGIL_… variables or the file INVIGIL_CONFIG names."""
    from config import logging, settings
    from web.serving import run

    loaded = settings.load(**overrides(host, port, tls_cert, tls_key))
    logging.configure(loaded.log_level, as_json=loaded.log_json)
    run(_serve(loaded))


async def _serve(loaded: Any) -> None:
    import logging

    from web.serving import serving, until_told_to_stop

    async with serving(loaded) as settings:
        logging.getLogger("invigil").info("serving", extra={"url": settings.base_url})
        await until_told_to_stop()


def overrides(
    host: str | None, port: int | None, tls_cert: Path | None, tls_key: Path | None
) -> dict[str, Any]:
    """What was given on the command line, in the settings' shape."""
    given = {"host": host, "port": port, "tls_cert": tls_cert, "tls_key": tls_key}
    web = {name: value for name, value in given.items() if value is not None}
    return {"web": web} if web else {}

"""Which of the machine's addresses ICE candidates are gathered on.

aioice asks its own module function, which leaves loopback out and takes all the rest. We put ours in its
place: the one address that is set, or all, or loopback where the machine has nothing else (a laptop on a
train, a container without a network).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import aioice.ice

Finder = Callable[[bool, bool], list[str]]
_ALL: Finder = aioice.ice.get_host_addresses


def gather_on(address: str = "") -> None:
    """For every connection of this process from now on; empty: all. Raises ValueError for what is no
    IP address."""
    wanted = str(ipaddress.ip_address(address)) if address else None

    def find(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        if wanted is not None:
            return [wanted]
        return _ALL(use_ipv4, use_ipv6) or (["127.0.0.1"] if use_ipv4 else ["::1"])

    aioice.ice.get_host_addresses = find

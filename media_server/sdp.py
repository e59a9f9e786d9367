"""Small changes to session descriptions that aiortc cannot be told to make."""

from __future__ import annotations

import ipaddress
import re

from media_server.rtp import ABS_SEND_TIME_URI, MID_URI

_CANDIDATE = re.compile(r"^(a=candidate:\S+ \d+ \S+ \d+ )(\S+)( \d+ typ )(\S+)")
_RTPMAP = re.compile(r"a=rtpmap:(\d+) (\S+)")
_FMTP = re.compile(r"a=fmtp:(\d+) (.*)")
_OF_PAYLOAD_TYPE = re.compile(r"a=(?:rtpmap|fmtp|rtcp-fb):(\d+) ")
_EXTENSIONS = (MID_URI, ABS_SEND_TIME_URI)
OPUS_PARAMETERS = "minptime=60;useinbandfec=1;usedtx=1"


def strip_mdns(offer: str) -> tuple[str, int]:
    """Without candidates hidden behind `.local` names, which would be resolved for seconds and mostly in
    vain (the browser is found by its checks all the same), and how many usable candidates are left.
    The mark of their end goes too: with no candidate left it would end the search at once."""
    lines, left = [], 0
    for line in offer.splitlines():
        if line == "a=end-of-candidates":
            continue
        match = _CANDIDATE.match(line)
        if match is not None:
            if match[2].endswith(".local"):
                continue
            left += 1
        lines.append(line)
    return "\r\n".join(lines) + "\r\n", left


def slim(offer: str) -> str:
    """Without codecs and header extensions we never use. A wall of fifty slots is a quarter of a megabyte as
    browsers write it, and reading that holds up everybody else's media."""
    session, *sections = re.split(r"(?m)^(?=m=)", offer)
    return session + "".join(_slim_section(section) for section in sections)


def _slim_section(section: str) -> str:
    lines = section.splitlines()
    kept = _kept_payload_types(lines)
    if not kept:
        return section
    head = lines[0].split(" ")
    out = [" ".join(head[:3] + [number for number in head[3:] if number in kept])]
    for line in lines[1:]:
        match = _OF_PAYLOAD_TYPE.match(line)
        if match is not None and match[1] not in kept:
            continue
        if line.startswith("a=extmap:") and not line.endswith(_EXTENSIONS):
            continue
        out.append(line)
    return "\r\n".join(out) + "\r\n"


def _kept_payload_types(lines: list[str]) -> set[str]:
    """Those of VP8, H.264 in packetization mode 1, Opus, and of their retransmissions."""
    codecs = {match[1]: match[2].lower() for line in lines if (match := _RTPMAP.match(line))}
    formats = {match[1]: match[2] for line in lines if (match := _FMTP.match(line))}
    kept = {number for number, codec in codecs.items() if codec in ("vp8/90000", "opus/48000/2")}
    kept |= {
        number
        for number, codec in codecs.items()
        if codec == "h264/90000" and "packetization-mode=1" in formats.get(number, "")
    }
    kept |= {
        number
        for number, codec in codecs.items()
        if codec == "rtx/90000" and formats.get(number, "").removeprefix("apt=") in kept
    }
    return kept


def advertise(answer: str, public_address: str) -> str:
    """Host candidates of the same address family under the public address of a one-to-one NAT; of
    several that would become the same, ports tell them apart."""
    version = ipaddress.ip_address(public_address).version
    lines = []
    for line in answer.splitlines():
        match = _CANDIDATE.match(line)
        if match is not None and match[4] == "host" and ipaddress.ip_address(match[2]).version == version:
            line = f"{match[1]}{public_address}{match[3]}{match[4]}{line[match.end() :]}"
        lines.append(line)
    return "\r\n".join(lines) + "\r\n"


def long_audio_packets(answer: str) -> str:
    """Asks for Opus in packets of 60 ms, with in-band error correction and silence left out: a third of
    the packets, and packets are what costs."""
    sections = re.split(r"(?m)^(?=m=)", answer)
    return "".join(_long_opus(part) if part.startswith("m=audio") else part for part in sections)


def _long_opus(section: str) -> str:
    match = re.search(r"(?m)^a=rtpmap:(\d+) opus/48000/2\r?\n", section)
    if match is None:
        return section
    section = re.sub(rf"(?m)^(a=fmtp:{match[1]} .*|a=(max)?ptime:.*)\r?\n", "", section)
    rtpmap = match[0]
    return section.replace(
        rtpmap, f"{rtpmap}a=fmtp:{match[1]} {OPUS_PARAMETERS}\r\na=ptime:60\r\na=maxptime:60\r\n", 1
    )

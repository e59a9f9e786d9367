"""Exam content as HTML: the small part of Markdown that exam papers use, and nothing that could run.

Headings, paragraphs, lists, quotes, fenced code, `code`, **strong**, *emphasis*. Everything is escaped
first; links and pictures are left as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_HEADING = re.compile(r"(#{1,4}) +(.+)")
_BULLET = re.compile(r"[-*] +(.+)")
_NUMBER = re.compile(r"\d{1,3}[.)] +(.+)")
_QUOTE = re.compile(r"> ?(.*)")
_CODE = re.compile(r"`([^`]+)`")
# The marks hug what they mark, or 2 * 3 * 4 would become emphasis.
_STRONG = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_EMPHASIS = re.compile(r"\*(?=[^\s*])(.+?)(?<=[^\s*])\*")


def to_html(markdown: str) -> str:
    return "\n".join(_blocks(markdown.splitlines()))


def _inline(text: str) -> str:
    """Every other part of a split by code spans is code, and nothing inside it is marked."""
    parts = _CODE.split(text)
    return "".join(
        f"<code>{escape(part)}</code>" if number % 2 else _marked(escape(part))
        for number, part in enumerate(parts)
    )


def _marked(html: str) -> str:
    return _EMPHASIS.sub(r"<em>\1</em>", _STRONG.sub(r"<strong>\1</strong>", html))


def _blocks(lines: list[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        if not line:
            at += 1
        elif line.startswith("```"):
            block, at = _until_fence(lines, at + 1)
            yield f"<pre><code>{escape(block)}</code></pre>"
        elif heading := _HEADING.fullmatch(line):
            level = len(heading[1]) + 1  # The page has the only h1.
            yield f"<h{level}>{_inline(heading[2])}</h{level}>"
            at += 1
        else:
            run, at = _run(lines, at)
            yield _list_or_text(run)


def _until_fence(lines: list[str], at: int) -> tuple[str, int]:
    end = at
    while end < len(lines) and not lines[end].strip().startswith("```"):
        end += 1
    return "\n".join(lines[at:end]), end + 1


def _run(lines: list[str], at: int) -> tuple[list[str], int]:
    """Lines that belong together: up to an empty one, a heading, a fence."""
    end = at + 1
    while end < len(lines):
        line = lines[end].strip()
        if not line or line.startswith("```") or _HEADING.fullmatch(line):
            break
        end += 1
    return [line.strip() for line in lines[at:end]], end


def _list_or_text(run: list[str]) -> str:
    for pattern, tag in ((_BULLET, "ul"), (_NUMBER, "ol")):
        items = [pattern.fullmatch(line) for line in run]
        if all(items):
            inner = "".join(f"<li>{_inline(item[1])}</li>" for item in items if item)
            return f"<{tag}>{inner}</{tag}>"
    quotes = [_QUOTE.fullmatch(line) for line in run]
    if all(quotes):
        inner = " ".join(_inline(quote[1]) for quote in quotes if quote)
        return f"<blockquote><p>{inner}</p></blockquote>"
    return f"<p>{' '.join(_inline(line) for line in run)}</p>"

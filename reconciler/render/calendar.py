"""What starts and ends, as a calendar that people subscribe to (RFC 5545)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from reconciler import __version__
from reconciler.model.plan import Soon
from reconciler.render.safe import safe

_LONGEST: Final = 75
"""Octets of a line, the line break not counted (RFC 5545 section 3.1)."""


def calendar(soon: Iterable[tuple[str, Soon]], stamp: datetime) -> str:
    """Of (app, what starts or ends). A whole day is an event of that day: the first or the last of the access.

    `stamp`: when the files that say so were committed; the same files give the same bytes, and an event keeps its UID
    as long as it is about the same day.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//reconciler//{__version__}//EN", "CALSCALE:GREGORIAN",
             "NAME:Access", "X-WR-CALNAME:Access"]  # fmt: skip
    for app, each in soon:
        for verb, written in (("starts", each.from_), ("ends", each.until)):
            if written:
                lines += _event(app, each, verb, written, stamp)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _event(app: str, each: Soon, verb: str, written: str, stamp: datetime) -> Iterator[str]:
    what = f"{each.group_name} in {app}" if each.group_name else app
    uid = hashlib.sha256("\0".join((app, each.key, each.group or "", verb, written)).encode()).hexdigest()[:32]
    yield "BEGIN:VEVENT"
    yield f"UID:{uid}@reconciler"
    yield f"DTSTAMP:{_utc(stamp)}"
    yield from _when(written)
    yield f"SUMMARY:{_text(f'{each.name}: {what} {verb}')}"
    if each.reason or each.source:
        place = f"{each.source.file}:{each.source.line}" if each.source else ""
        yield f"DESCRIPTION:{_text('; '.join(filter(None, (each.reason or '', place))), 500)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _when(written: str) -> Iterator[str]:
    if "T" not in written:
        day = date.fromisoformat(written)
        yield f"DTSTART;VALUE=DATE:{day:%Y%m%d}"
        if day < date.max:
            yield f"DTEND;VALUE=DATE:{day + timedelta(1):%Y%m%d}"
        return
    yield f"DTSTART:{_utc(datetime.fromisoformat(written))}"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str, longest: int = 200) -> str:
    """RFC 5545 section 3.3.11."""
    return safe(value, longest).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> Iterator[str]:
    """Never inside of a character."""
    part, room = "", _LONGEST
    for character in line:
        size = len(character.encode())
        if size > room:
            yield part
            part, room = " ", _LONGEST - 1
        part += character
        room -= size
    yield part

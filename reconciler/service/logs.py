"""What a runner tells of itself, line by line on stderr: JSON for programs, text where somebody looks.

No secret gets into a line: neither under a name that says so, nor inside of a text; and nothing that a server or a file
wrote can end a line or move a terminal's cursor.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any, Final, TextIO, TypeAlias

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

from reconciler.render.safe import safe

EventDict: TypeAlias = MutableMapping[str, Any]
LONGEST: Final = 2000
"""Characters of one value."""
HIDDEN: Final = "[hidden]"
_NAMES: Final = re.compile(r"(?i)token|secret|passw|authorization|bearer|credential|private_?key|assertion|cookie")
_IN_TEXT: Final = (
    re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{12,}"),
    re.compile(
        r"(?i)\b([\w.-]*(?:token|secret|password|passwd|assertion|signature|api_?key)[\w.-]*\s*[=:]\s*)[^\s&,;]+"
    ),
    re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@:]*:[^\s/@]+(?=@)"),
)


def logger(stream: TextIO, *, terminal: bool, level: str = "info") -> FilteringBoundLogger:
    """Lines with time, level, event and what is bound to it. Safe for threads."""
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _text,
        without_secrets,
        _line if terminal else _json,
    ]
    bound = structlog.make_filtering_bound_logger(level)
    made: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream), processors=processors, wrapper_class=bound
    )
    return made


def without_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A processor: what looks like a secret is none any more."""
    return {key: HIDDEN if _NAMES.search(key) else _cleaned(value) for key, value in event.items()}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        for pattern in _IN_TEXT:
            value = pattern.sub(lambda found: f"{found[1]}{' ' if found[1].isalpha() else ''}{HIDDEN}", value)
        return value
    if isinstance(value, dict):
        return {key: HIDDEN if _NAMES.search(str(key)) else _cleaned(each) for key, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, list | tuple) else value


def _text(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {key: _plain(value) for key, value in event.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return safe(value, LONGEST)


def _json(_logger: Any, _method: str, event: EventDict) -> str:
    return orjson.dumps(event).decode()


def _line(_logger: Any, _method: str, event: EventDict) -> str:
    fields = dict(event)
    head = f"{str(fields.pop('at'))[:19]}Z {fields.pop('level'):<7} {fields.pop('event')}"
    return "  ".join([head, *(f"{key}={_shown(value)}" for key, value in fields.items())])


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return f'"{text}"' if " " in text and isinstance(value, str) else text

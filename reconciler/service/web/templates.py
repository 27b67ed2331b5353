"""The templates, with autoescape: no name is ever more than text. Also what they call to say things."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from reconciler import __version__
from reconciler.render.page import LINES
from reconciler.render.safe import safe
from reconciler.service.monitor import State
from reconciler.service.overview import ENDED, SIGNS
from reconciler.service.words import ago, counted, moment, past, span, stamp, utc, verb

if TYPE_CHECKING:
    from jinja2 import Environment

TONES: Final = {
    State.HEALTHY: "good",
    State.DRIFTING: "ask",
    State.HELD: "ask",
    State.FAILING: "bad",
    State.QUARANTINED: "bad",
    State.OFF: "idle",
    State.NEVER_RUN: "idle",
    "success": "good",
    "inPart": "ask",
    "failure": "bad",
    "interrupted": "idle",
    "abandoned": "bad",
    "running": "busy",
    "skipped": "ask",
    "warning": "ask",
}
"""Of a state, or of what became of a cycle or an entry."""


def render(name: str, **given: Any) -> str:
    return _environment().get_template(name).render(**given)


def style() -> str:
    """Of the page: what plans look like, and what is only here."""
    return "".join(
        (files(package) / name).read_text(encoding="utf-8")
        for package, name in (("reconciler.render", "page.css"), ("reconciler.service.web", "static/style.css"))
    )


def link(*parts: str, **query: str | None) -> str:
    """A path of ours; whatever stands in a part stays within it."""
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    asked = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(asked)}" if asked else path


def plain(value: Any) -> str:
    """A value of an attribute; what is nothing is told so."""
    if value is None or value == "" or value == []:
        return "nothing"
    if isinstance(value, Mapping) and value.keys() == {"redacted"}:
        return "[Redact]"
    if isinstance(value, Mapping) and value.keys() == {"generated"}:
        return f"[{safe(value['generated'])}]"
    return safe(value, 200)


def seconds(length: float) -> str:
    return span(timedelta(seconds=length))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters.update(shown=lambda value, longest=200: safe(value, longest), verb=verb, plain=plain)
    environment.globals.update(
        LINES, ago=ago, past=past, counted=counted, moment=moment, stamp=stamp, span=span, seconds=seconds, utc=utc,
        link=link,
        tones=TONES, signs=SIGNS, ended=ENDED, version=__version__,
    )  # fmt: skip
    return environment


def _source(name: str) -> str:
    folder = files("reconciler.render") if name == "macros.html" else files("reconciler.service.web") / "templates"
    return (folder / name).read_text(encoding="utf-8")

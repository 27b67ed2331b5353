"""Plans as one HTML file that needs nothing else: no network, no script to be readable, no second file.

Every name goes through autoescape. The policy in the page lets nothing run or load but its own style and script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from reconciler.model.plan import Plan
from reconciler.render.lines import Line, Telling
from reconciler.render.marks import pieces, said
from reconciler.render.placed import placed
from reconciler.render.review import HEADINGS, Kind, Part, Review, review
from reconciler.render.safe import safe

if TYPE_CHECKING:
    from jinja2 import Template

FOLD: Final = 50
"""Lines of a part that are seen before the rest is unfolded."""
_NONE: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class _App:
    """One plan, with what the page says beside its review."""

    review: Review
    title: str
    digest: str
    """What an approval names."""


def page(
    plans: Sequence[Plan],
    *,
    titles: Mapping[str, str] = _NONE,
    effects: Mapping[str, str] = _NONE,
    values: bool = True,
    notices: Sequence[str] = (),
    prefix: str = "",
) -> str:
    """The plans as one page. `titles`, `effects`: of apps by name, as people call the application, and what a
    deactivation does there. Without `values` attributes are told by their path alone. `notices` stand at the very top.
    `prefix`: where the desired state lies in its repository.
    """
    apps = [_app(placed(plan, prefix), titles, effects, values=values) for plan in plans]
    parts = [part for each in apps for part in _parts(each.review)]
    kinds = [(kind, HEADINGS[kind]) for kind in Kind if any(part.kind is kind for part in parts)]
    style, script = _resource("page.css"), _resource("page.js")
    return _template().render(
        apps=apps,
        kinds=kinds,
        notices=[safe(notice, 600) for notice in notices],
        style=style,
        script=script,
        policy="; ".join(
            (
                "default-src 'none'",
                f"style-src '{hash_of(style)}'",
                f"script-src '{hash_of(script)}'",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
    )


def _app(plan: Plan, titles: Mapping[str, str], effects: Mapping[str, str], *, values: bool) -> _App:
    title = titles.get(plan.app, "")
    telling = Telling(title, effects.get(plan.app, "deactivated"), values=values, everybody=True)
    return _App(review(plan, telling), said(title or plan.app), safe(plan.changes_digest))


def _parts(whole: Review) -> Iterator[Part]:
    yield from whole.parts
    for each in whole.elsewhere:
        yield from each.parts
    yield from whole.aside


def _release(line: Line, compared: bool) -> str:
    release = safe(line.answer, 400)
    return f"Reconciler-Allow: {release}" if compared else f"--allow {release}"


def hash_of(text: str) -> str:
    """As a policy names an inline style or script (CSP 3 section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _resource(name: str) -> str:
    return (files("reconciler.render") / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # late: only this form needs it

    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(LINES)
    return environment.get_template("page.html")


LINES: Final[Mapping[str, object]] = {"pieces": pieces, "headings": HEADINGS, "fold": FOLD, "release": _release}
"""What macros.html, which shows the parts of a plan, needs of the environment it is in."""

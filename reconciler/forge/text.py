"""What stands in comments and issues: the report, with a mark that nobody sees. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from reconciler.model.plan import Plan
from reconciler.render import LIMIT, Report, markdown
from reconciler.render.lines import Telling
from reconciler.render.markdown import size
from reconciler.render.marks import plain, said
from reconciler.render.markup import inline
from reconciler.render.review import review

_MARK: Final = re.compile(r"<!-- reconciler:(?P<app>[A-Za-z0-9._-]+) changes=(?P<digest>sha256:[0-9a-f]{64}|none) -->")
"""The first line of a report. Old ones lose theirs, so that only what is current is found."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose report it is, and of which changes; "none": nothing is changed any more."""

    app: str
    digest: str

    @classmethod
    def read(cls, body: str) -> Self | None:
        """None for what is no report that is current. Only the very beginning counts: below it stand names."""
        found = _MARK.match(body)
        return None if found is None else cls(found["app"], found["digest"])

    def __str__(self) -> str:
        return f"<!-- reconciler:{self.app} changes={self.digest} -->"


def nothing_to_say(plan: Plan) -> bool:
    """Nothing of this change is done, asked, unusual or comes later."""
    return not review(plan, Telling(values=False)).parts


def body(report: Report, *, values: bool = False, notices: Sequence[str] = (), more: str = "", most: int = 0) -> str:
    """The report without its mark; `most`: bytes, where a forge counts them."""
    limit = LIMIT
    while True:
        shown = markdown(report.plan, title=report.title, effect=report.effect, values=values, limit=limit,
                         notices=notices, more=more, prefix=report.prefix)  # fmt: skip
        octets = size(shown)[1]
        if not most or octets <= most:
            return shown
        limit = min(limit - 1, limit * most // octets)


def current(report: Report, shown: str) -> str:
    return f"{Mark(report.plan.app, report.plan.changes_digest)}\n{shown}"


def struck(report: Report) -> str:
    """Instead of a report, when nothing is changed any more."""
    return f"{Mark(report.plan.app, 'none')}\n### ~~{_title(report)}~~\n\nNothing is done by this change any more.\n"


def superseded(report: Report, newer: str) -> str:
    """Instead of an old report. What stood there is not sent again: somebody may have edited it, and GitLab runs
    lines that begin with a slash as commands of whoever sends them."""
    link = f" [The newer report]({newer}) says what it is now." if newer else " A newer report says what it is now."
    return f"<!-- reconciler old report -->\n### ~~{_title(report)}~~\n\nThe changes are others now.{link}\n"


def gone(report: Report) -> str:
    """The body of an issue about drift that is over."""
    return f"{Mark(report.plan.app, 'none')}\n### ~~{_title(report)}~~\n\nThe application is what git says again.\n"


def whole_run(url: str) -> str:
    """Where a report that was shortened is whole; "" where nothing says it."""
    return f"[The run]({url}) has all of it." if url else ""


def plainly(report: Report) -> str:
    """One line without markup: who loses and who gains."""
    told = review(report.plan, Telling(report.title, report.effect, values=False))
    return ". ".join(map(plain, (told.headline, *told.asides)))


def _title(report: Report) -> str:
    return f"Access to {inline(said(report.title or report.plan.app))}"


__all__ = ["Mark", "body", "current", "gone", "nothing_to_say", "plainly", "struck", "superseded", "whole_run"]

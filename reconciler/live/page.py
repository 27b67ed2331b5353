"""One page of a list (ListResponse, RFC 7644 section 3.4.2): what came, and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.http import Answer
from reconciler.live.judge import accept, not_scim, remote_id
from reconciler.model.profile import Meaning

_UNUSABLE: Final = frozenset({"", ".", ".."})  # as a path segment the last two would climb (RFC 3986 section 5.2.4)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: the resources with an id, and what the server says the total is (None: it does not say)."""

    rows: list[dict[str, Any]]
    total: int | None
    answer: Answer
    next_cursor: str | None = None


def parse(answer: Answer, meanings: Sequence[Meaning] = ()) -> Page:
    """A ListResponse (RFC 7644 section 3.4.2), every resource with a textual id.

    `Resources` may be missing where the total is 0. Raises NotScim if it is something else.
    """
    body = accept(answer, meanings)
    if not isinstance(body, dict):
        raise not_scim(answer, "is no SCIM list")
    rows = body.get("Resources", body.get("resources"))
    total = _total(body.get("totalResults"), answer)
    if rows is None and total is not None:
        rows = []
    if not isinstance(rows, list):
        raise not_scim(answer, "is no SCIM list")
    for resource in rows:
        if resource.__class__ is not dict or resource.get("id").__class__ is not str or resource["id"] in _UNUSABLE:
            _repair(resource, answer)
    following = body.get("nextCursor")
    return Page(rows, total, answer, following if isinstance(following, str) and following else None)


def _repair(resource: Any, answer: Answer) -> None:
    """Ids that came as numbers become text."""
    key = remote_id(resource) if isinstance(resource, dict) else None
    if key is None or key in _UNUSABLE:
        raise not_scim(answer, "has a resource without a usable id")
    resource["id"] = key


def _total(value: Any, answer: Answer) -> int | None:
    if value is None:
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 16):
        raise not_scim(answer, "has a totalResults that is no number")
    return int(text)

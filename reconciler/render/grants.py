"""Who could give an access: as text, by owner, whoever needs least first; and as a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from reconciler.model.grants import Grants, Way
from reconciler.model.owned import Approval, Owned
from reconciler.render.safe import safe, width
from reconciler.render.style import Style

FORMAT: Final = "reconciler.grants/1"
ANYBODY: Final = "anybody who may merge"
_LONGEST: Final = 200
_WIDEST: Final = 70


def grants_text(grants: Grants, style: Style) -> str:
    """Names of files come out harmless."""
    return "\n".join(_lines(grants, style)) + "\n"


def _lines(grants: Grants, style: Style) -> Iterator[str]:
    apps = f", in {', '.join(safe(app) for app in grants.apps)}" if grants.apps else ", in no app"
    sensitive = f"   {style('sensitive', 'yellow')}" if grants.sensitive else ""
    group = grants.key.startswith("group:")
    yield f"{style(safe(grants.key), 'bold')}  {safe(grants.name) + apps if group else ''}{sensitive}".rstrip()
    if grants.codeowners:
        yield f"Owners by {safe(grants.codeowners, _LONGEST)}. They count where the branch asks for their review."
    else:
        yield "There is no CODEOWNERS: whoever may merge can do all of it."
    by_owner: dict[tuple[Approval, ...], list[Way]] = {}
    for way in grants.ways:
        by_owner.setdefault(way.owned.needs, []).append(way)
    for needs, ways in sorted(by_owner.items(), key=lambda entry: len(entry[0]) > 0):
        yield ""
        yield style(owners_text(Owned(needs)), "bold", *([] if needs else ["yellow"]))
        rows = [(_does(way), _where(way)) for way in ways]
        wide = min(_WIDEST, max(width(does) for does, _ in rows))
        yield from (f"  {does}{' ' * max(0, wide - width(does))}  {style(where, 'dim')}" for does, where in rows)


def owners_text(owned: Owned) -> str:
    """Whose approval is needed, in words."""
    parts = []
    for each in owned.approvals:
        owners = [safe(owner) for owner in each.owners]
        parts.append(f"{each.least} of {', '.join(owners)}" if each.least > 1 else " or ".join(owners))
    return " and ".join(f"({part})" if len(parts) > 1 and " " in part else part for part in parts) or ANYBODY


def _does(way: Way) -> str:
    through = f" ({' > '.join(safe(each) for each in way.through)})" if len(way.through) > 1 else ""
    return safe(way.does, _LONGEST) + through


def _where(way: Way) -> str:
    place = safe(way.paths[0], _LONGEST) + (f":{way.line}" if way.line else "")
    return f"{place} and {way.count - 1:,} more" if way.count > 1 else place


def grants_document(grants: Grants) -> dict[str, Any]:
    """`approvals`: all are needed, of each so many of its owners; none: anybody who may merge."""
    return {
        "format": FORMAT,
        "key": grants.key,
        "name": grants.name,
        "sensitive": grants.sensitive,
        "apps": list(grants.apps),
        "codeowners": grants.codeowners or None,
        "anybody": any(not way.owned.approvals for way in grants.ways),
        "owners": sorted({owner for way in grants.ways for owner in way.owned.owners}),
        "ways": [_way(way) for way in grants.ways],
    }


def _way(way: Way) -> dict[str, Any]:
    return {
        "what": way.what,
        "does": way.does,
        "through": list(way.through),
        **({"app": way.app} if way.app is not None else {}),
        "files": list(way.paths),
        "count": way.count,
        **({"line": way.line} if way.line is not None else {}),
        "approvals": [
            {"owners": list(each.owners), "count": each.least, "line": each.line}
            | ({"section": each.section} if each.section else {})
            for each in way.owned.approvals
        ],
    }

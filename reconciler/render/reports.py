"""Remarks and counts in the forms that forges read: workflow commands, code quality, SARIF, the widget of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

import orjson

from reconciler import __version__
from reconciler.model.plan import Plan
from reconciler.render.annotations import LEVELS, PROBLEM, Annotation
from reconciler.render.review import HEADINGS, figures_of

OF_A_KIND: Final = 10
"""Errors, warnings and notices that GitHub shows of one step."""
RESULTS: Final = 5_000
"""Results of a run that GitHub keeps; it refuses 25,000."""
SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_SEVERITIES: Final = {"error": "major", "warning": "minor", "notice": "info"}
_LEVELS: Final = {"error": "error", "warning": "warning", "notice": "note"}


def workflow_commands(remarks: Iterable[Annotation]) -> str:
    """GitHub's workflow commands, one a line: at most ten of a kind, of which the last counts those left out."""
    remarks = list(remarks)
    lines: list[str] = []
    for level in LEVELS:
        found = [each for each in remarks if each.level == level]
        shown = found if len(found) <= OF_A_KIND else found[: OF_A_KIND - 1]
        lines += map(_command, shown)
        if len(found) > len(shown):
            lines.append(f"::{level} title=reconciler::and {len(found) - len(shown):,} more of this kind")
    return "".join(f"{line}\n" for line in lines)


def _command(each: Annotation) -> str:
    places = (("file", each.file), ("line", each.line), ("col", each.column), ("title", each.title))
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in places if value)
    return f"::{each.level} {properties}::{_data(each.message)}"


def _data(text: str) -> str:
    """As the runner unescapes it: %25, %0D, %0A."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def code_quality(remarks: Iterable[Annotation]) -> bytes:
    """GitLab's code quality report: a list of issues, each with a fingerprint of its own."""
    issues = [
        {
            "description": f"{each.title}: {each.message}",
            "check_name": f"reconciler/{each.kind}",
            "fingerprint": fingerprint,
            "severity": _SEVERITIES[each.level],
            "location": {"path": each.file, "lines": {"begin": max(each.line, 1)}},
        }
        for each, fingerprint in _fingerprinted(remarks)
    ]
    return orjson.dumps(issues, option=orjson.OPT_INDENT_2) + b"\n"


def sarif(remarks: Iterable[Annotation]) -> bytes:
    """SARIF 2.1.0 (OASIS, 2020-03-27), one run. The worst results, and how many there were, where they are too many."""
    remarks = list(remarks)
    rules = {kind: number for number, kind in enumerate(dict.fromkeys(each.kind for each in remarks))}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "reconciler",
                "semanticVersion": __version__,
                "rules": [
                    {"id": kind, "shortDescription": {"text": _headings().get(kind, "Desired state")}} for kind in rules
                ],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            {
                "ruleId": each.kind,
                "ruleIndex": rules[each.kind],
                "level": _LEVELS[each.level],
                "message": {"text": f"{each.title}: {each.message}"},
                "locations": [{"physicalLocation": _location(each)}],
                "partialFingerprints": {"subject/v1": fingerprint},
            }
            for each, fingerprint in _fingerprinted(remarks[:RESULTS])
        ],
    }
    if len(remarks) > RESULTS:
        run["properties"] = {"leftOut": len(remarks) - RESULTS}
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def _headings() -> dict[str, str]:
    return {**{str(kind): heading for kind, heading in HEADINGS.items()}, PROBLEM: "Desired state"}


def _location(each: Annotation) -> dict[str, Any]:
    """`uri` is a relative reference (RFC 3986 section 4.2); a region begins at line 1."""
    location: dict[str, Any] = {"artifactLocation": {"uri": quote(each.file, safe="/") or "."}}
    if each.line:
        location["region"] = {"startLine": each.line, **({"startColumn": each.column} if each.column else {})}
    return location


def _fingerprinted(remarks: Iterable[Annotation]) -> Iterator[tuple[Annotation, str]]:
    """The second of two alike has a number, so that both are kept."""
    seen: Counter[str] = Counter()
    for each in remarks:
        mark = each.fingerprint
        seen[mark] += 1
        yield each, mark if seen[mark] == 1 else f"{mark}:{seen[mark]}"


def widget(plans: Sequence[Plan]) -> bytes:
    """GitLab's Terraform report: how many people and groups gain, change and lose, of all plans together."""
    counts = {"create": 0, "update": 0, "delete": 0}
    for plan in plans:
        told = figures_of(plan)
        counts["create"] += told.gain
        counts["update"] += told.people + told.groups
        counts["delete"] += told.lose + told.groups_gone
    return orjson.dumps(counts) + b"\n"

"""What came onto the branch that access is granted from: first parents that touched the desired state."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from reconciler.desired.git import run
from reconciler.desired.root import PARTS
from reconciler.errors import UsageError
from reconciler.model.access import Decision

_SECONDS: Final = 600
_APPROVALS: Final = ("Approved-by", "Reviewed-by", "Acked-by")
_TRAILERS: Final = "".join(f"%x00%(trailers:key={key},valueonly,unfold,separator=%x0A)" for key in _APPROVALS)
_FORMAT: Final = f"--format=%H%x00%ct%x00%at%x00%an <%ae>%x00%s%x00%b{_TRAILERS}"
"""No text in git holds a zero byte: whatever a message says, it stays in its field."""
_FIELDS: Final = 6 + len(_APPROVALS)
_REQUEST: Final = re.compile(r"\A[^\n]*\(#(\d+)\)\s*$|\A[Mm]erge pull request #(\d+)", re.MULTILINE)
_MERGE_REQUEST: Final = re.compile(r"^[Ss]ee merge request \S*!(\d+)\s*$", re.MULTILINE)


def timeline(root: Path) -> tuple[list[Decision], bool]:
    """Newest first, and whether the history here is cut off (a shallow clone).

    Commits whose clock was wrong count as no later than the one after them. Raises UsageError outside of git.
    """
    shallow = _git(root, "rev-parse", "--is-shallow-repository").strip() == "true"
    listed = _git(root, "log", "-z", "--first-parent", "--no-show-signature", "--encoding=UTF-8", _FORMAT, "HEAD", "--",
                  *sorted(PARTS))  # fmt: skip
    found: list[Decision] = []
    for decision in _decisions(listed):
        latest = min(decision.merged_at, found[-1].merged_at) if found else decision.merged_at
        found.append(replace(decision, merged_at=latest))
    return found, shallow


def told(root: Path, decision: Decision) -> Decision:
    """With who asked for it, and when: of a merge, the last commit that it merged. Whoever merged it approved it."""
    merged = _git(root, "log", "-z", "-1", "--no-merges", "--no-show-signature", "--encoding=UTF-8", _FORMAT,
                  f"{decision.commit}^1..{decision.commit}^2", missing_ok=True)  # fmt: skip
    inner = next(_decisions(merged), None)
    if inner is None:
        return decision
    people = [*decision.approvers, *inner.approvers]
    if decision.author != inner.author:
        people.append(decision.author)
    return replace(
        decision,
        author=inner.author,
        requested_at=inner.requested_at,
        approvers=tuple(dict.fromkeys(people)),
        request=decision.request or inner.request,
    )


def _decisions(listed: str) -> Iterator[Decision]:
    fields = listed.split("\0")
    for start in range(0, len(fields) - _FIELDS + 1, _FIELDS):
        commit, merged, authored, author, subject, body, *trailers = fields[start : start + _FIELDS]
        approvers = (each.strip() for values in trailers for each in values.splitlines())
        approved = tuple(dict.fromkeys(filter(None, approvers)))
        request = _request(f"{subject}\n{body}")
        yield Decision(commit, _moment(merged), _moment(authored), author, approved, request, subject)


def _request(message: str) -> str:
    """Of the subject, or where GitLab puts it: at the end."""
    if found := _REQUEST.search(message):
        return f"#{next(each for each in found.groups() if each)}"
    found = _MERGE_REQUEST.search(message)
    return f"!{found[1]}" if found else ""


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _git(root: Path, *arguments: str, missing_ok: bool = False) -> str:
    try:
        answer = run(root, *arguments, seconds=_SECONDS)
    except OSError as error:
        raise UsageError("git can't be run", hint="who has access is read from its history: install it") from error
    if answer.returncode and not missing_ok:
        raise UsageError(
            f"{root} has no history in git", hint="who had access, and who gave it, is read from there: commit it"
        )
    return "" if answer.returncode else os.fsdecode(answer.stdout)

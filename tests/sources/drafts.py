"""Drafts and folders for tests of importers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.desired import load
from reconciler.desired.tidy import tidy
from reconciler.model.adoption import Adoption
from reconciler.sources.adopt import adopt
from reconciler.sources.draft import Draft, Record
from reconciler.sources.store import write


def draft(
    users: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Mapping[str, Any]] | None = None, **others: Any
) -> Draft:
    return Draft(
        users={identity: Record(identity, dict(values)) for identity, values in users.items()},
        groups={identity: Record(identity, dict(values)) for identity, values in (groups or {}).items()},
        **others,
    )


def person(identity: str, **values: Any) -> dict[str, Any]:
    return {"userPrincipalName": f"{identity}@contoso.com", "displayName": identity.title(), **values}


def folder(root: Path, **files: str) -> Path:
    """Keys are paths, `/` written as `__` and without `.yaml`."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return root


def taken_over(root: Path, found: Draft, **wishes: Any) -> Adoption:
    """Adopts and writes; the result reads without errors, and doing it again changes nothing."""
    adoption = adopt(root, found, **wishes)
    write(adoption, root)
    load(root)
    again = adopt(root, found, **wishes)
    assert not again.changes, again.writes or again.removals
    assert not list(root.glob(".import-*"))
    return adoption


def told(adoption: Adoption, signs: str = "+~-") -> list[str]:
    return [
        f"{line.sign} {line.kind}:{line.id}{f' {line.key}' if line.key else ''}"
        for line in adoption.lines
        if line.sign in signs
    ]


def files(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def untidy(root: Path) -> list[str]:
    """Files that `fmt` would lay out otherwise."""
    found = tidy(root)
    assert not found.problems
    return [edit.file for edit in found.edits]

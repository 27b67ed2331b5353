"""The files of a desired state in their one layout: which would change, proven to mean the same, and written."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from reconciler.desired.document import BadDocument, Document, read_document
from reconciler.desired.files import Tree
from reconciler.desired.findings import Findings
from reconciler.desired.layout import laid_out
from reconciler.desired.modeline import pointed, schemas_in
from reconciler.desired.offboard import Edit
from reconciler.desired.order import Shape, shape_of
from reconciler.desired.outline import comments
from reconciler.desired.root import check_root
from reconciler.errors import Place, Problem

_IN_APPS: Final = ("app.yaml", "mappings.yaml", "tests.yaml")


@dataclass(slots=True)
class Tidied:
    files: int = 0
    """How many were looked at."""
    edits: list[Edit] = field(default_factory=list)
    """Files that are laid out otherwise, and how they should be."""
    problems: list[Problem] = field(default_factory=list)
    """Files that can't be read, or whose meaning would not be kept: they stay as they are."""


def tidy(root: Path) -> Tidied:
    """Looks at all files of the desired state, writes none. Raises UsageError if `root` is none.

    Links are not followed: what they lead to is laid out where it stands. The line by which an editor finds the schema
    is mended where a file has moved; every other comment stays as it is.
    """
    check_root(root)
    findings = Findings()
    tree = Tree(root, findings)
    found = Tidied()
    schemas = schemas_in(root)
    for document in _documents(tree):
        if (root / document.file).is_symlink():
            continue
        found.files += 1
        try:
            after = pointed(tidied(document, shape_of(document.file)), document.file, schemas)
        except BadDocument as bad:
            found.problems.append(bad.problem)
            continue
        if after != document.text:
            found.edits.append(Edit(document.file, after, ()))
    found.problems += [problem for problem in findings.problems if problem.severity == "error"]
    return found


def tidied(document: Document, shape: Shape) -> str:
    """The document in its layout, after proof that it holds the same values and comments. Raises BadDocument."""
    after = laid_out(document.text, shape)
    if after == document.text:
        return after
    try:
        kept = same(document.value, read_document(after.encode(), document.file).value)
    except BadDocument:
        kept = False
    if not kept or comments(document.text) != comments(after):
        hint = "it was left as it is; writing it more simply helps: without `? `, anchors, or breaks inside of brackets"
        raise BadDocument(Problem(Place(document.file), "can't be laid out without changing what it says", hint))
    return after


def same(one: Any, other: Any) -> bool:
    """Values as documents have them; 1, 1.0 and true are three values, and the order of keys is none."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


def difference(before: str, edit: Edit, most: int) -> list[str]:
    """The first lines of a unified diff, `most` at most, and how many more there are."""
    whole = list(
        islice(
            difflib.unified_diff(before.splitlines(), edit.after.splitlines(), edit.file, edit.file, "", "", 1, ""),
            2,
            None,
        )
    )
    left = len(whole) - most
    return whole if left <= 1 else [*whole[:most], f"… {left:,} more lines"]


def _documents(tree: Tree) -> Iterator[Document]:
    files = ["reconciler.yaml"]
    files += [f"apps/{app}/{name}" for app in tree.folders("apps") for name in _IN_APPS]
    for file in files:
        if tree.exists(file) and (document := tree.read(file)):
            yield document
    yield from tree.documents("groups")
    yield from tree.documents("users")

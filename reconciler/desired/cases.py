"""Mapping tests: tests.yaml of an app, or any file of the same form."""

from __future__ import annotations

from pathlib import Path

from reconciler.desired.document import BadDocument, Document, Entries, read_document
from reconciler.desired.explain import validate
from reconciler.desired.findings import Findings, kind_of
from reconciler.desired.form import Form
from reconciler.desired.sheet import Sheet
from reconciler.errors import DesiredStateError, Place, Problem
from reconciler.model.cases import Case

_KEYS = ("id", "expression", "user", "inputs", "expected", "now", "target_has")
REMARKS = ("function", "kind", "source", "note")
"""Where an example is from, and what it shows."""


def read_cases(path: Path) -> tuple[Case, ...]:
    """The cases of a file. Raises DesiredStateError with everything that is wrong in it."""
    findings = Findings()
    file = str(path)
    try:
        document = read_document(path.read_bytes(), file)
    except BadDocument as bad:
        raise DesiredStateError([bad.problem]) from bad
    except OSError as error:
        raise DesiredStateError([Problem(Place(file), f"can't be read: {error.strerror}")]) from error
    cases = cases_of(document, findings)
    findings.raise_errors()
    return cases


def cases_of(document: Document, findings: Findings) -> tuple[Case, ...]:
    """The usable cases of a document; what is wrong with the others is reported."""
    form = Form(document, findings)
    value = document.value
    if not isinstance(value, Entries) or "cases" not in value:
        findings.error(
            document.start, "mapping tests stand under `cases:`", "see `reconciler schema`, or the example company"
        )
        return ()
    for key in value:
        if key != "cases":
            form.unknown(value, key, ("cases",), "mapping tests")
    cases: list[Case] = []
    first: dict[str, Place] = {}
    for entry, mark in form.items(value, "cases"):
        if not isinstance(entry, Entries):
            form.error(mark, f"a case must be a mapping, this is {kind_of(entry)}")
        elif case := _case(form, entry):
            before = first.setdefault(case.id, document.place(mark))
            if before != document.place(mark):
                form.error(entry.marks["id"], f"two cases have the id `{case.id}`, the first in line {before.line}")
            cases.append(case)
    return tuple(cases)


def _case(form: Form, entry: Entries) -> Case | None:
    unknown = [key for key in entry if key not in _KEYS and key not in REMARKS]
    for key in unknown:
        form.unknown(entry, key, _KEYS, "a case")
    case = validate(Case, Sheet.of(form.document, entry), form.findings)
    if case is None or unknown:
        return None
    whole_person = case.user is not None or (case.expression is None and "inputs" in entry)
    if whole_person == (case.expression is not None):
        form.error(entry.mark, "a case has an `expression`, or a whole person: `user` or `inputs`")
        return None
    return case.model_copy(update={"place": form.place(entry.mark)})

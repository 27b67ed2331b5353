"""A plan that is compared with a revision: this change first and in full, the rest in one line."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.plan import Origin, Plan, Suspect, UpdateUser
from reconciler.render import Style, text
from reconciler.render.safe import width

PLAIN = Style()


@pytest.fixture
def compared(typical: Plan) -> Plan:
    """Drift stays; of the rest every third is of this change, and every third is due by the clock."""
    origins = (Origin.THIS_CHANGE, Origin.PENDING, Origin.CLOCK)
    changes = tuple(
        c if c.origin is Origin.DRIFT else c.model_copy(update={"origin": origins[n % 3]})
        for n, c in enumerate(typical.changes)
    )
    desired = typical.desired.model_copy(update={"base": "0123456789abcdef"})
    return typical.model_copy(update={"changes": changes, "desired": desired})


def test_golden(compared: Plan, golden: Any) -> None:
    golden("plan-base.txt", text(compared, Style(columns=100), title="Hootsuite"))


def test_golden_verbose(compared: Plan, golden: Any) -> None:
    golden("plan-base-verbose.txt", text(compared, PLAIN, title="Hootsuite", verbose=True))


def test_what_is_about_to_run_is_shown_as_a_whole(compared: Plan, typical: Plan) -> None:
    whole = text(compared, PLAIN, title="Hootsuite", whole=True)
    assert "NOT OF THIS CHANGE" not in whole
    without = compared.model_copy(update={"desired": typical.desired})
    assert whole.splitlines()[1:] == text(without, PLAIN, title="Hootsuite").splitlines()[1:]
    nothing = compared.model_copy(update={"changes": ()})
    assert "Nothing to do." in text(nothing, PLAIN, whole=True)


def test_every_change_is_counted_once(compared: Plan) -> None:
    shown = text(compared, PLAIN)
    (line,) = [row for row in shown.splitlines() if "NOT OF THIS CHANGE" in row]
    counts = {o: sum(1 for c in compared.changes if c.origin is o) for o in Origin}
    assert f"{counts[Origin.PENDING]} merged before and not applied yet" in line
    assert f"{counts[Origin.CLOCK]} whose time has come" in line
    assert f"{counts[Origin.DRIFT]} changed in the application" in line
    ours = [c for c in compared.pending if c.origin is Origin.THIS_CHANGE]
    assert f"{len(ours)} changes: " in shown


def people(changes: Any) -> set[str]:
    """Everybody whom changes are about, by the name that text gives them."""
    keys = {key for c in changes for key in ([m.key for m in getattr(c, "members", ())] or [c.key])}
    return {key.partition(":")[2] for key in keys if len(key) > len("user:x")}


def test_whoever_is_not_of_this_change_is_named_with_verbose_only(compared: Plan) -> None:
    folded, whole = (text(compared, PLAIN, verbose=verbose) for verbose in (False, True))
    folded, _, _ = folded.partition("NOT OF THIS CHANGE")
    ours = people(c for c in compared.changes if c.origin is Origin.THIS_CHANGE)
    others = people(c for c in compared.changes if c.origin is not Origin.THIS_CHANGE) - ours
    assert len(ours) > 3
    assert len(others) > 5
    assert [name for name in others if f" {name} " in folded] == []
    assert [name for name in (*ours, *others) if name not in whole] == []
    assert [name for name in ours if name not in folded] == []


def test_the_line_fits_into_the_screen(compared: Plan) -> None:
    rows = text(compared, Style(columns=60)).splitlines()
    at = next(n for n, row in enumerate(rows) if "NOT OF THIS CHANGE" in row)
    assert all(width(row) <= 60 for row in rows[at : at + 3])


def test_a_change_that_does_nothing_says_so(compared: Plan) -> None:
    others = tuple(c for c in compared.changes if c.origin is not Origin.THIS_CHANGE)
    shown = text(compared.model_copy(update={"changes": others}), PLAIN)
    assert "Nothing is done by this change." in shown
    assert "NOT OF THIS CHANGE" in shown
    nothing = text(compared.model_copy(update={"changes": ()}), PLAIN)
    assert "NOT OF THIS CHANGE" not in nothing


@pytest.mark.parametrize(
    ("suspect", "words"),
    [
        (Suspect.ADMINISTRATOR, "perhaps by an administrator"),
        (Suspect.OTHER_PROVISIONER, "perhaps by another provisioner"),
        (Suspect.SERVER, "perhaps by the application itself"),
        (Suspect.JUST_IN_TIME, "perhaps by signing in, which makes accounts"),
    ],
)
def test_a_suspect_is_named(make: Any, suspect: Suspect, words: str) -> None:
    change = UpdateUser(key="user:a", id="1", name="A", origin=Origin.DRIFT, suspect=suspect,
                        set=make_set("title", "x", "y"))  # fmt: skip
    assert f"(changed in the application, {words})" in text(make.plan(change), PLAIN)
    found = change.model_copy(update={"origin": Origin.PENDING})
    assert f"({words})" in text(make.plan(found), PLAIN)


def test_a_window_is_named(make: Any) -> None:
    change = UpdateUser(key="user:a", id="1", name="A", origin=Origin.CLOCK, set=make_set("title", "x", "y"))
    assert "(its time has come)" in text(make.plan(change), PLAIN)


def make_set(path: str, before: str, after: str) -> dict[str, Any]:
    from reconciler.model.plan import Difference

    return {path: Difference(before=before, after=after)}

"""One mapping, many people: one line."""

from __future__ import annotations

from typing import Any

from reconciler.model.plan import AddMembers, CreateUser, Difference, Origin, UpdateUser
from reconciler.render import Style, text


def moved(make: Any, number: int, **set_: tuple[Any, Any]) -> UpdateUser:
    return UpdateUser(
        key=f"user:p{number:03}", id=str(number), name=f"P {number}", source=make.source(f"users/p{number:03}.yaml", 4),
        set={path: Difference(before=before, after=after) for path, (before, after) in set_.items()},
    )  # fmt: skip


def everything(make: Any) -> Any:
    """312 people alike, 6 who end alike, 5 at two paths, 5 by drift, and 4 who are too few."""
    changes: list[Any] = [moved(make, n, timezone=("GMT", "Europe/London")) for n in range(312)]
    changes += [moved(make, 400 + n, title=(f"T{n}", "Editor")) for n in range(6)]
    changes += [moved(make, 500 + n, department=("A", "B"), **{"name.familyName": ("x", f"y{n}")}) for n in range(5)]
    drifted = [moved(make, 600 + n, timezone=("CET", "GMT")) for n in range(5)]
    changes += [change.model_copy(update={"origin": Origin.DRIFT}) for change in drifted]
    changes += [moved(make, 700 + n, nickName=({"redacted": True}, {"redacted": True})) for n in range(4)]
    changes.append(
        CreateUser(key="user:new", name="New", set={"userName": Difference(after="new@contoso.com"),
                                                    "externalId": Difference(after={"generated": "Guid"})})
    )  # fmt: skip
    changes.append(
        moved(make, 0, manager=(None, {"key": "user:boss"})).model_copy(update={"key": "user:new", "id": None})
    )
    changes.append(moved(make, 800, manager=("77", {"key": "user:boss", "id": "9"})))
    return make.plan(*changes)


def test_golden(make: Any, golden: Any) -> None:
    golden("plan-alike.txt", text(everything(make), Style(), title="Hootsuite"))


def test_the_list_is_under_verbose(make: Any) -> None:
    plan = everything(make)
    brief, whole = text(plan, Style()), text(plan, Style(), verbose=True)
    assert "p311" not in brief
    assert 'p311  "GMT" → "Europe/London"   users/p311.yaml:4' in whole
    for change in plan.changes:
        assert change.key.removeprefix("user:") in whole


def test_counts_are_not_cut(make: Any) -> None:
    shown = text(everything(make), Style())
    assert "335 changes: 1 person gains access, 333 people change." in shown
    assert "312 people, such as p000, p001, …" in shown


def test_four_people_are_four_lines(make: Any) -> None:
    shown = text(make.plan(*(moved(make, n, timezone=("a", "b")) for n in range(4))), Style())
    assert "people, such as" not in shown
    assert shown.count('timezone  "a" → "b"') == 4


def test_gains_are_not_touched(make: Any) -> None:
    joins = AddMembers(key="group:g", id="9", name="G", members=(make.member("p000"),))
    changes = [moved(make, n, timezone=("a", "b")) for n in range(5)]
    shown = text(make.plan(*changes, joins), Style())
    assert "+ p000  joins G" in shown
    assert "~ timezone  5 people, such as p000, p001, …" in shown

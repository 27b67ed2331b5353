"""Plans as JSON: golden files, which fit the published schema and are read again as they are."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from reconciler.desired.schemas import published
from reconciler.model.plan import (
    AddMembers,
    AdoptUser,
    Blocked,
    Candidate,
    CreateUser,
    DeactivateUser,
    Difference,
    MemberRef,
    Note,
    Origin,
    Plan,
    Reason,
    RenameUser,
    Signature,
    Soon,
    Suspect,
    UpdateUser,
)  # fmt: skip
from reconciler.plan import document, read_plans, signed, to_json
from tests.render.test_hostile import HOSTILE


def kept(plan: Plan, golden: Any, name: str) -> dict[str, Any]:
    """Compared with its golden file, with the schema, and with what is read again from it."""
    plan = signed(plan)
    data = to_json(plan)
    golden(name, data.decode())
    written: dict[str, Any] = orjson.loads(data)
    Draft202012Validator(published("plan")).validate(written)
    assert read_plans(data, name) == [plan]
    return written


def test_nothing_to_do(make: Any, golden: Any) -> None:
    written = kept(make.plan(), golden, "plan-nothing.json")
    assert written["changes"] == []
    assert "signature" not in written


def test_one_change(make: Any, golden: Any) -> None:
    change = UpdateUser(
        key="user:grace.hopper", id="16494879", name="Grace Hopper", origin=Origin.THIS_CHANGE,
        reasons=(Reason.ATTRIBUTE_DIFFERS,),
        set={"displayName": Difference(before="Grace Hopper", after="Rear Admiral Hopper")},
        source=make.source("users/grace.hopper.yaml", 6),
    )  # fmt: skip
    written = kept(make.plan(change), golden, "plan-one.json")
    assert list(written["changes"][0]) == ["action", "key", "id", "name", "origin", "reasons", "set", "source", "held"]


def test_something_of_everything(typical: Plan, make: Any, golden: Any) -> None:
    soon = (
        Soon(key="user:linus.byrne", name="Linus Byrne", group="group:social-media", until="2026-11-30",
             reason="cover", source=make.source("groups/social-media.yaml", 6)),
        Soon(key="user:ada.lovelace", name="Ada Lovelace", from_="2026-12-01"),
    )  # fmt: skip
    drift = UpdateUser(key="user:ola", id="17", name="Ola", origin=Origin.DRIFT, suspect=Suspect.SERVER,
                       set={"title": Difference(before=None, after={"redacted": True})})  # fmt: skip
    through = RenameUser(key="user:pia", id="18", name="Pia", temporary=True,
                         set={"userName": Difference(before="a@x", after="tmp@x")})  # fmt: skip
    first = AddMembers(key="group:admins", id="79", name="Admins", sensitive=True, origin=Origin.CLOCK,
                       members=(MemberRef(key="user:ada.lovelace", name="Ada", until="2027-01-31"),))  # fmt: skip
    plan = typical.model_copy(
        update={
            "changes": (*typical.changes, drift, through, first),
            "soon": soon,
            "signature": Signature(key_id="sha256:0", value="AAAA"),
        }
    )
    written = kept(plan, golden, "plan-typical.json")
    said = {key for change in written["changes"] for key in change}
    assert {"suspect", "temporary", "sensitive", "groups", "candidates"} <= said
    assert all(change[key] for change in written["changes"] for key in said & {"suspect", "temporary", "sensitive"}
               if key in change)  # fmt: skip
    assert [list(each) for each in written["soon"]] == [
        ["key", "name", "group", "until", "reason", "source"],
        ["key", "name", "from"],
    ]


def test_hostile_names(make: Any, golden: Any) -> None:
    """JSON escapes what could move a terminal; nothing is lost, and nothing is more than text."""
    rude = {name: text[:60] for name, text in HOSTILE.items() if name != "surrogate"}
    plan = make.plan(
        *(DeactivateUser(key=f"user:{text}", id=text, name=text, groups=(text,)) for text in rude.values()),
        *(
            CreateUser(key=f"user:{text}", name=text, set={f"x-{name}": Difference(after=text)})
            for name, text in rude.items()
        ),
        AdoptUser(
            key="user:x", name="x", candidates=tuple(Candidate(id=t, name=t, active=True) for t in rude.values())
        ),
        AddMembers(key="group:x", name="x", members=tuple(MemberRef(key=t, name=t, via=(t,)) for t in rude.values())),
        blocked=tuple(Blocked(key=t, name=t, wanted="x", reason="protected", text=t) for t in rude.values()),
        notes=tuple(Note(code="adopted", key=t, text=t) for t in rude.values()),
    )
    written = kept(plan, golden, "plan-hostile.json")
    assert [change["name"] for change in written["changes"][: len(rude)]] == list(rude.values())
    assert not any(byte < 0x20 and byte != 0x0A for byte in to_json(signed(plan)))


@pytest.mark.parametrize("percent", [10, 10.0, 12.5, None])
def test_a_whole_percentage_is_written_whole(make: Any, typical: Plan, percent: float | None) -> None:
    """Other languages know one kind of number."""
    rail = typical.guardrails[0].model_copy(update={"percent": percent})
    (written,) = document(make.plan(guardrails=(rail,)))["guardrails"]
    assert str(written["percent"]) == {10: "10", 12.5: "12.5", None: "None"}[percent]


def test_no_key_of_any_change_is_lost(typical: Plan) -> None:
    for change, written in zip(typical.changes, document(typical)["changes"], strict=True):
        dumped = change.model_dump(mode="json", by_alias=True)
        assert {key for key, value in dumped.items() if value} <= written.keys()

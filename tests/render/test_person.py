"""The four steps as text: everything is said, aligned, and harmless."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.explanation import (
    Action,
    Attempt,
    Attribute,
    ClauseOutcome,
    Explanation,
    FilterOutcome,
    FoundAccount,
    Imported,
    Mapped,
    Matched,
    Scoped,
    Step,
    Way,
)
from reconciler.model.plan import Blocked, CreateUser, Difference, Held, Note, Source
from reconciler.render import Style
from reconciler.render.person import person

HOSTILE = "a\x1b[31m\u202e\nb"


def _explanation(text: str = "Ada", **action: Any) -> Explanation:
    source = Source(file="apps/chat/app.yaml", line=9)
    account = FoundAccount(id="1", name=text, active=False)
    clause = ClauseOutcome(text=f'department EQUALS "{text}"', value=text, holds=False, source=source)
    mapped = Mapped(
        target="displayName", kind="expression", rule=f'ToLower("{text}")', source=source, matching=1,
        inputs={"displayName": text}, steps=(Step(text="Left([displayName], 1)", value=text),), result=text,
        table=(f"{text} → x",), value=text, outcome="flows",
    )  # fmt: skip
    return Explanation(
        app="chat",
        key="user:ada",
        name=text,
        as_of="2026-11-23T17:00:00Z",
        imported=Imported(
            file="users/ada.yaml", line=1, kind="service", roles=(text,),
            attributes=(Attribute(name="displayName", value=text, line=3), Attribute(name="city", value=None, line=0)),
        ),
        scope=Scoped(
            standing="outOfScope", why="excluded", enabled=True, everyone=False, excluded=True, left_out=text,
            assigned=(Way(group="outer", through=("inner",), source=source, roles=(text,)), Way(source=source)),
            filters=(FilterOutcome(holds=False, clauses=(clause,)),),
        ),
        match=Matched(by="question", text="several fit", attempts=(
            Attempt(path="userName", value=text, found=(account,)), Attempt(path="mail", value=None),
            Attempt(path="userName", value="old", former=True),
        ), account=account, pin="1", binding=text),
        action=Action(mappings=(mapped,), **action),
    )  # fmt: skip


def test_every_part_is_said() -> None:
    change = CreateUser(
        key="user:ada", name="Ada", set={"displayName": Difference(after="Ada")},
        source=Source(file="users/ada.yaml", line=1), held=(Held(by="whoIsThis", release="whoIsThis:user:ada"),),
    )  # fmt: skip
    blocked = Blocked(key="user:ada", name="Ada", wanted="updateUser", reason="ignored", text="under ignore")
    note = Note(code="adopted", key="user:ada", text="was there")
    shown = person(_explanation(changes=(change,), blocked=(blocked,), notes=(note,), groups=("Editors",)), Style())
    assert [line for line in shown.splitlines() if line[:1].isupper()] == [
        "IMPORT  users/ada.yaml:1",
        "SCOPE  out of scope: excluded",
        "MATCH  account 1 (Ada, inactive), by question: several fit",
        "MAPPINGS",
        "ACTION",
    ]
    for part in (
        "user:ada  Ada in chat   as of 2026-11-23 17:00:00 UTC",
        '  displayName         "Ada"     line 3',
        "  city                nothing   the default",
        "  kind                service",
        "  ✓ assigned                   through outer → inner, roles Ada   apps/chat/app.yaml:9",
        "  ✗ excluded",
        '    ✗ department EQUALS "Ada"  is "Ada"',
        '  userName  "Ada" finds 1 (Ada, inactive)',
        "  mail      no value to try",
        '  userName  formerly "old" finds nobody',
        '  displayName ← ToLower("Ada")   apps/chat/app.yaml:9, matching 1',
        '      Left([displayName], 1)  = "Ada"',
        "      values                  Ada → x",
        "  belongs into Editors",
        "  createUser   users/ada.yaml:1",
        "      held by whoIsThis   --allow whoIsThis:user:ada",
        "  blocked  updateUser: under ignore",
        "  note  adopted: was there",
    ):
        assert part in shown, shown


def test_alignment_is_the_same_with_colours() -> None:
    import re

    plain, coloured = person(_explanation(), Style()), person(_explanation(), Style(colour=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_names_are_harmless() -> None:
    shown = person(_explanation(HOSTILE), Style())
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(shown.splitlines()) == len(person(_explanation(), Style()).splitlines())


@pytest.mark.parametrize(
    ("outcome", "value", "says"),
    [
        ("onCreation", "x", '→ "x", on creation only'),
        ("default", "x", '→ "x", the default, on creation only: there is no value'),
        ("skipped", None, "skipped: there is no value, and the application keeps what it has"),
        ("cleared", None, "→ nothing: the application's value is cleared"),
        ("leftOut", None, "leaves this person out: nothing at all flows"),
        ("failed", None, "fails: why"),
        ("flows", {"redacted": True}, "→ [Redact]"),
        ("onCreation", {"generated": "Guid"}, "→ [Guid], on creation only"),
        ("flows", {"firstFree": ["a", "b"]}, '→ the first that nobody has of "a", "b"'),
        ("flows", {"key": "user:grace"}, "→ the account of user:grace"),
        ("flows", [{"value": "Editor", "primary": False}], '→ "Editor"'),
        ("notNow", None, "not written, since only what reads IsSoftDeleted is: title"),
    ],
)
def test_outcomes(outcome: Any, value: Any, says: str) -> None:
    source = Source(file="gallery/scim.yaml", line=0)
    mapped = Mapped(target="title", kind="source", rule="[x]", source=source, value=value, outcome=outcome, error="why")
    explanation = _explanation()
    action = explanation.action.model_copy(update={"mappings": (mapped,), "planned": False})
    shown = person(explanation.model_copy(update={"action": action}), Style())
    assert says in shown
    assert "ACTION  not planned" in shown


def test_windows_are_said_where_they_decide() -> None:
    source = Source(file="groups/outer.yaml", line=4)
    explanation = _explanation()
    ways = (
        Way(group="outer", through=("inner",), source=source, windows=("inner in outer until 2026-11-30",)),
        Way(source=source, windows=("assigned from 2026-12-01",), holds=False, roles=("Editor",)),
    )
    scope = explanation.scope.model_copy(
        update={"window": "from 2026-12-01", "inside": False, "assigned": ways, "why": "from 2026-12-01"}
    )
    shown = person(explanation.model_copy(update={"scope": scope}), Style())
    for part in (
        "✗ access",
        "from 2026-12-01",
        "✓ assigned",
        "through outer → inner (inner in outer until 2026-11-30)   groups/outer.yaml:4",
        "✗ assigned",
        "directly, roles Editor (assigned from 2026-12-01)",
    ):
        assert part in shown, shown

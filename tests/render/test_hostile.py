"""Promise 9: what people and servers put into names does no harm on a terminal."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from reconciler.model.plan import (
    AddMembers,
    AdoptUser,
    Blocked,
    Candidate,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    Difference,
    EmptyGroup,
    MemberRef,
    Note,
    Reason,
    RenameUser,
)  # fmt: skip
from reconciler.render import Failure, Style, safe, summary, text
from reconciler.render.safe import LONGEST, quoted, width

HOSTILE = {
    "markup": "<script>alert(1)</script><!-- -->",
    "pipes": "a | b || c",
    "backticks": "```\n# heading\n```",
    "team": "@security-team please approve",
    "rtl": "user\u202egnp.exe\u2066x\u2069",
    "zeroWidth": "ad\u200bmin\u200d\u2060\ufeff",
    "escapes": "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "newlines": "Ada\r\nHELD\u2028nothing\x0b\x85",
    "nul": "a\x00b",
    "blank": "\u3164\u2800\u115f",
    "hidden": "x" + "".join(chr(0xE0100 + n) for n in range(20)),
    "surrogate": "\ud800",
    "private": "\ue000\U000e0041",
    "long": "x" * 10_000,
    "longWide": "久" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_safe_is_one_short_printable_line(name: str) -> None:
    shown = safe(name)
    assert len(shown) <= LONGEST
    assert shown.isprintable()
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for c in shown)
    assert shown.encode()


def test_what_is_harmless_stays_as_it_is() -> None:
    for name in ("Zoë Müller-Łukasz", "久保 健", "Ольга", "محمد", "O'Brien & Söhne", "🙂"):
        assert safe(name) == name


def test_what_is_not_is_named_by_its_code_point() -> None:
    assert safe("a\u202eb") == "a<U+202E>b"
    assert safe("\x1b[31m") == "<U+001B>[31m"
    assert safe("x\u3164") == "x<U+3164>"


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("columns", [0, 80])
def test_a_plan_full_of_it_has_the_same_rows_as_any(make: Any, name: str, columns: int) -> None:
    style = Style(columns=columns)
    shown = text(plan_of(make, name), style, title=name, verbose=True)
    assert all(c == "\n" or c.isprintable() for c in shown)
    if not columns:
        assert len(shown.splitlines()) == len(text(plan_of(make, "Ada"), style, title="Ada", verbose=True).splitlines())
    assert max(len(row) for row in shown.splitlines()) < 600


def plan_of(make: Any, name: str) -> Any:
    member = MemberRef(key=f"user:{name}", id="1", name=name, via=(name,))
    return make.plan(
        DeactivateUser(key=f"account:{name}", id=name, name=name, reasons=(Reason.UNMANAGED,), groups=(name, name)),
        CreateUser(key=f"user:{name}", name=name, set={"userName": Difference(after=name)}),
        RenameUser(key=f"user:b{name}", id="2", name=name, set={"userName": Difference(before=name, after=[name])}),
        AdoptUser(key=f"user:c{name}", name=name, held=make.held("whoIsThis", f"whoIsThis:user:c{name}"),
                  candidates=(Candidate(id=name, name=name, active=False, bound=f"user:{name}"),)),
        CreateGroup(key=f"group:{name}", name=name, source=make.source(f"{name}.yaml")),
        AddMembers(key=f"group:{name}", name=name, members=(member,)),
        EmptyGroup(key=f"appGroup:{name}", id=name, name=name, members=(member,)),
        blocked=(Blocked(key=f"user:{name}", name=name, wanted="deleteUser", reason="appCannot", text=name),),
        notes=(Note(code="notKept", key=f"user:{name}", text=name),
               Note(code="adopted", key=f"user:{name}", text=name)),
    )  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_outcome_full_of_it_too(name: str) -> None:
    failure = Failure("createUser", f"user:{name}", "failed", name)
    shown = summary({"failed": 1}, [failure], Style(), requests=1, seconds=1.0, journal="j", ended=name)
    assert all(c == "\n" or c.isprintable() for c in shown)


def test_values_are_quoted_and_nothing_is_called_so() -> None:
    assert quoted(None) == quoted("") == quoted(()) == "nothing"
    assert quoted(True) == "true"
    assert quoted("a\nb") == '"a<U+000A>b"'
    assert quoted(["a", "b"]) == '"a", "b"'
    assert quoted(list("abcdefg")) == '"a", "b", "c", "d", "e", …'
    assert quoted(7) == "7"


def test_widths() -> None:
    assert (width("abc"), width("久保"), width("e\u0301")) == (3, 4, 1)


def test_a_summary_never_hides_what_failed_or_is_held() -> None:
    counts = {"done": 3, "failed": 1, "held": 2, "skipped": 0}
    failures = [Failure("createUser", "user:ada", "failed", "409: userName is taken")]
    shown = summary(counts, failures, Style(), requests=7, seconds=1.25, journal="journal.jsonl")
    assert "✗ ada  createUser failed" in shown
    assert "409: userName is taken" in shown
    assert "3 done, 1 failed, 2 held" in shown
    assert "skipped" not in shown

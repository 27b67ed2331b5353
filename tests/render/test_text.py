"""The plan as text: golden files, colour, folding, alignment."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.plan import (
    AddMembers,
    CreateUser,
    DeactivateUser,
    Difference,
    Guardrail,
    Note,
    Reason,
    RemoveMembers,
    RenameUser,
    Soon,
    UpdateUser,
)
from reconciler.render import Style, text
from reconciler.render.safe import width
from tests.render.plans import pull_request

PLAIN = Style()


def test_nothing_to_do(make: Any, golden: Any) -> None:
    shown = text(make.plan(), PLAIN, title="Hootsuite")
    assert "Nothing to do. 0 held. 415 accounts unchanged." in shown
    golden("plan-nothing.txt", shown)


def test_one_change(make: Any, golden: Any) -> None:
    update = UpdateUser(key="user:ada", id="1", name="Ada", set={"displayName": Difference(before="A", after="Ada")},
                        source=make.source("users/ada.yaml", 6))  # fmt: skip
    shown = text(make.plan(update), PLAIN, title="Hootsuite")
    assert "1 change: 1 person changes." in shown
    golden("plan-one.txt", shown)


@pytest.mark.parametrize("columns", [0, 120, 80])
def test_typical(typical: Any, golden: Any, columns: int) -> None:
    shown = text(typical, Style(columns=columns), title="Hootsuite")
    golden(f"plan-typical-{columns or 'file'}.txt", shown)


def test_typical_verbose_and_in_colour(typical: Any, golden: Any) -> None:
    golden("plan-typical-verbose.txt", text(typical, PLAIN, title="Hootsuite", verbose=True))
    golden("plan-typical-colour.txt", text(typical, Style(colour=True), title="Hootsuite"))


def test_colour_changes_nothing_but_colour(typical: Any) -> None:
    coloured = text(typical, Style(colour=True, columns=100), title="Hootsuite")
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == text(typical, Style(columns=100), title="Hootsuite")


def test_losses_come_first_then_gains_changes_questions_and_what_can_not_be_done(typical: Any) -> None:
    shown = text(typical, PLAIN)
    headings = re.findall("^  ([A-Z][A-Z ]+)$", shown, re.MULTILINE)
    assert headings == ["LOSES ACCESS", "GAINS ACCESS", "CHANGES", "HELD", "CAN NOT BE DONE", "NOTES"]


def test_every_change_is_shown_or_counted(typical: Any) -> None:
    shown = text(typical, PLAIN, verbose=True)
    for change in typical.changes:
        named = [m.key for m in getattr(change, "members", ())] or [change.key]
        for key in named:
            assert key.partition(":")[2] in shown, key
    for change in typical.held:
        for hold in change.held:
            assert f"--allow {hold.release}" in shown


def test_deactivation_in_the_words_of_the_application(typical: Any) -> None:
    assert "removed from the organization: left scope" in text(typical, PLAIN, effect="removed from the organization")


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120])
@pytest.mark.parametrize("verbose", [False, True])
def test_rows_fit_into_the_screen(typical: Any, columns: int, verbose: bool) -> None:
    """But for an answer, which is to be copied as it stands, and the address, which is one word."""
    _, *rows = text(pull_request(typical), Style(columns=columns), title="Hootsuite", verbose=verbose).splitlines()
    assert [row for row in rows if width(row) > columns and "--allow " not in row] == []


def test_wide_letters_are_wrapped_by_their_width(make: Any) -> None:
    text_ = " ".join(["久保健"] * 30)
    update = UpdateUser(key="user:kubo", id="1", name="久保", set={"title": Difference(before=text_[:70], after="")})
    _, *rows = text(make.plan(update), Style(columns=60)).splitlines()
    assert max(width(row) for row in rows) <= 60


def test_places_stand_in_one_column_whatever_the_script(typical: Any) -> None:
    shown = text(typical, PLAIN)
    section = shown.partition("  CHANGES\n")[2].partition("\n\n")[0].splitlines()
    edges = {width(row[: row.index("users/")]) for row in section if "users/" in row}
    assert len(edges) == 1


class TestTenThousand:
    def leaver(self, n: int) -> DeactivateUser:
        return DeactivateUser(key=f"user:p{n:05}", id=str(n), name=f"P {n}", reasons=(Reason.LEFT_SCOPE,))

    def test_is_folded_and_counted(self, make: Any, golden: Any) -> None:
        created = [CreateUser(key=f"user:new{n}", name=f"New {n}") for n in range(4_000)]
        plan = make.plan(*(self.leaver(n) for n in range(6_000)), *created)
        shown = text(plan, PLAIN)
        assert len(shown.splitlines()) < 80
        assert "… and 5,970 more" in shown
        assert "10,000 changes: 4,000 people gain access, 6,000 people lose access." in shown
        golden("plan-large.txt", shown)
        assert len(text(plan, PLAIN, verbose=True).splitlines()) > 10_000

    def test_held_is_folded_and_counted(self, make: Any) -> None:
        held = make.held("guardrail:deprovisionUsers", "deprovisionUsers=10000")
        rail = Guardrail(name="deprovisionUsers", value=10_000, count=20, percent=10, of=12_000, broken=True)
        plan = make.plan(*(self.leaver(n).model_copy(update={"held": held}) for n in range(10_000)), guardrails=(rail,))
        shown = text(plan, PLAIN)
        assert "deprovisionUsers: 10,000 of 12,000 (83.3 %), allowed are 20 or 10 %: is that meant?" in shown
        assert "and 9,992 more" in shown
        assert "10,000 held." in shown

    def test_one_group_is_named_once_and_says_who_leaves_it_besides(self, make: Any) -> None:
        held = make.held("guardrail:removeMembers:editors", "removeMembers:editors=5")
        rail = Guardrail(name="removeMembers:editors", value=5, percent=50, of=7, broken=True)
        gone = {"key": "group:editors", "id": "7", "name": "Editors & co"}
        stay = RemoveMembers(
            members=(make.member("ada"), make.member("grace")), reasons=(Reason.MEMBER_REMOVED,), held=held, **gone
        )
        leave = RemoveMembers(members=tuple(make.member(n) for n in "abc"), reasons=(Reason.MEMBER_LEAVES,), **gone)
        shown = text(make.plan(stay, leave, guardrails=(rail,)), PLAIN)
        assert "      Editors & co: ada, grace; 3 more leave with their account\n" in shown
        assert "leave with" not in text(make.plan(stay, guardrails=(rail,)), PLAIN)


def test_want_of_memory_is_told_as_such(make: Any) -> None:
    held = make.held("stateMissing", "deprovisionUsers=1")
    change = DeactivateUser(key="account:9", id="9", name="X", reasons=(Reason.UNMANAGED,), held=held)
    rail = Guardrail(name="deprovisionUsers", value=1, count=20, of=10, broken=False)
    shown = text(make.plan(change, guardrails=(rail,)), PLAIN)
    assert "there is no memory yet, so nothing here is known to be ours: remove 1 account all the same?" in shown


def test_a_release_is_quoted_for_the_shell(make: Any) -> None:
    held = make.held("whoIsThis", "whoIsThis:user:$(reboot)")
    change = CreateUser(key="user:$(reboot)", name="X", held=held)
    assert "--allow 'whoIsThis:user:$(reboot)'" in text(make.plan(change), PLAIN)


def test_notes_of_bulk_are_counted_and_listed_with_verbose(make: Any) -> None:
    notes = tuple(Note(code="unmanagedMember", key="group:x", id=str(n), text=f"stranger{n}") for n in range(3))
    plan = make.plan(notes=notes)
    assert "stranger" not in text(plan, PLAIN)
    assert "3 unmanaged members" in text(plan, PLAIN)
    assert "stranger2" in text(plan, PLAIN, verbose=True)


class TestStyle:
    @pytest.mark.parametrize(
        ("environ", "terminal", "colour"),
        [
            ({}, True, True),
            ({}, False, False),
            ({"NO_COLOR": "1"}, True, False),
            ({"NO_COLOR": ""}, True, True),
            ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
            ({"FORCE_COLOR": "1"}, False, True),
            ({"FORCE_COLOR": "0"}, False, False),
            ({"TERM": "dumb"}, True, False),
            ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ],
    )
    def test_colour(self, environ: dict[str, str], terminal: bool, colour: bool) -> None:
        assert Style.of(environ, terminal=terminal).colour is colour

    def test_columns_are_the_terminals(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "97")
        assert Style.of({}, terminal=True).columns == 97
        assert Style.of({}, terminal=False).columns == 0

    def test_wraps_only_where_there_is_something(self) -> None:
        assert Style(colour=True)("x", "red", "bold") == "\x1b[31;1mx\x1b[0m"
        assert Style(colour=True)("", "red") == ""
        assert Style()("x", "red") == "x"


def test_gains_of_sensitive_groups_come_first_and_what_comes_soon_comes_after_the_questions(
    make: Any, golden: Any
) -> None:
    until = replace(make.member("linus.byrne"), until="2026-11-30")
    admins = AddMembers(key="group:admins", id="70", name="Admins", members=(make.member("ada"), until), sensitive=True,
                        source=make.source("groups/admins.yaml", 4))  # fmt: skip
    care = AddMembers(key="group:care", id="71", name="Care", members=(make.member("ada"),))
    leaves = DeactivateUser(key="user:mallory", id="1", name="Mallory", reasons=(Reason.OUTSIDE_WINDOW,))
    soon = (
        Soon(key="user:linus.byrne", name="Linus Byrne", group="group:social", group_name="Social Media",
             until="2026-11-30", reason="cover for the spring campaign", source=make.source("groups/social.yaml", 9)),
        Soon(key="user:ada", name="Ada", from_="2026-12-01", until="2027-03-31", source=make.source("users/ada.yaml")),
        Soon(key="group:agencies", name="Agencies", group="group:care", until="2026-12-05T18:00:00+01:00"),
    )  # fmt: skip
    plan = make.plan(leaves, admins, care, soon=soon)
    shown = text(plan, PLAIN, title="Hootsuite")
    assert re.findall("^  ([A-Z][A-Z ]+)$", shown, re.MULTILINE) == [
        "GAINS SENSITIVE ACCESS", "LOSES ACCESS", "GAINS ACCESS", "SOON",
    ]  # fmt: skip
    assert "2 people gain access, 1 person loses access" in shown
    golden("plan-time.txt", shown)
    coloured = text(plan, Style(colour=True), title="Hootsuite")
    assert "\x1b[33m!\x1b[0m linus.byrne" in coloured


def test_many_that_come_soon_are_folded(make: Any) -> None:
    soon = tuple(Soon(key=f"user:u{n}", name=f"U{n}", until="2026-11-30") for n in range(50))
    assert "… and 20 more (--verbose lists them)" in text(make.plan(soon=soon), PLAIN)
    assert "u49" in text(make.plan(soon=soon), PLAIN, verbose=True)


def test_a_reason_of_a_file_comes_out_harmless(make: Any) -> None:
    soon = (
        Soon(key="user:ada", name="Ada", group="group:x", group_name="X\x1b[2J", until="2026-11-30", reason="\x1b]0;x"),
    )
    assert "\x1b" not in text(make.plan(soon=soon), PLAIN)


def test_whoever_left_earlier_is_named_where_the_memberships_go(make: Any) -> None:
    change = RemoveMembers(
        key="group:editors", id="7", name="Editors", members=(make.member("grace"),), reasons=(Reason.MEMBER_LEAVES,)
    )
    shown = text(make.plan(change), PLAIN)
    assert "- grace  leaves Editors" in shown
    assert "1 change: 1 person loses access." in shown


def test_what_was_done_within_a_day_counts_in_the_percentage(make: Any) -> None:
    held = make.held("guardrail:deprovisionUsers", "deprovisionUsers=1")
    rail = Guardrail(name="deprovisionUsers", value=1, earlier=5, percent=10, of=50, broken=True)
    change = DeactivateUser(key="user:a", id="9", name="A", reasons=(Reason.DISABLED,), held=held)
    assert "deprovisionUsers: 1 of 50, after 5 within a day: together 12 %, allowed are 10 %: is that meant?" in text(
        make.plan(change, guardrails=(rail,)), PLAIN
    )


def test_the_name_that_is_signed_in_with_comes_first_and_each_other_difference_has_its_row(make: Any) -> None:
    change = RenameUser(key="user:ines", id="1", name="Ines", set={
        "displayName": Difference(before="Ines", after="Inès"),
        "userName": Difference(before="i@x.example", after="ines@x.example"),
    }, source=make.source("users/ines.yaml", 2))  # fmt: skip
    shown = text(make.plan(change), PLAIN)
    assert '  ~ ines  userName  "i@x.example" → "ines@x.example"   users/ines.yaml:2\n' in shown
    assert '\n      displayName  "Ines" → "Inès"\n' in shown

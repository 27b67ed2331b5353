"""From rows to people: who is taken, who is refused and why, whose manager is who, and who is known already."""

from __future__ import annotations

import csv
import io
import random

import pytest

from reconciler.errors import ReconcilerError
from reconciler.model.settings import CustomAttribute
from reconciler.sources.csv import Told, as_table, described, rows
from tests.sources.csv.reading import found_in, opened, refusals_in, user, values_in

HEAD = "Employee ID,First name,Last name,Work email,Status,Manager\n"
TWO = HEAD + "007,Ada,Lovelace,ada@contoso.com,Active,017\n017,Grace,Hopper,grace@contoso.com,Active,\n"


def test_rows_become_people() -> None:
    found = found_in(TWO)
    assert values_in(TWO) == {
        "ada": {
            "employeeId": "007", "givenName": "Ada", "surname": "Lovelace", "mail": "ada@contoso.com",
            "displayName": "Ada Lovelace", "manager": "grace",
        },
        "grace": {
            "employeeId": "017", "givenName": "Grace", "surname": "Hopper", "mail": "grace@contoso.com",
            "displayName": "Grace Hopper",
        },
    }  # fmt: skip
    assert (found.rows, found.draft.complete, found.draft.refused) == (2, True, [])
    assert [record.where for record in found.draft.users.values()] == ["line 2", "line 3"]


def test_whoever_left_is_disabled() -> None:
    assert values_in("Mail,Status\na@x.com,Terminated\n")["a"]["accountEnabled"] is False
    assert "accountEnabled" not in values_in("Mail,Status\na@x.com,Active\n")["a"]


def test_somebody_described_is_enabled_again_in_so_many_words() -> None:
    found = values_in("Mail,Status\na@x.com,Active\n", existing=[user("a1", mail="A@x.com")])
    assert found == {"a1": {"mail": "a@x.com", "accountEnabled": True}}


def test_nobody_is_taken_whose_status_is_not_known() -> None:
    data = "Mail,Status\na@x.com,\nb@x.com,Sabbatical\nc@x.com,Active\n"
    assert refusals_in(data) == [
        (2, "Status: nothing says whether the account is enabled"),
        (3, "Status: `Sabbatical` means neither enabled nor disabled"),
    ]
    assert list(values_in(data)) == ["c"]
    assert not found_in(data).draft.complete
    told = [Told("Status", ("accountEnabled",), frozenset({"sabbatical"}))]
    assert set(values_in(data, told=told)) == {"b", "c"}


def test_ragged_rows_are_refused_and_blanks_behind_the_last_are_not() -> None:
    data = "Mail,Name\na@x.com\nb@x.com,B,\nc@x.com,C,extra\nd@x.com,D\nTotal: 4\n"
    assert [line for line, _ in refusals_in(data)] == [2, 4, 6]
    assert refusals_in(data)[1] == (4, "3 cells, and 2 headings")
    assert list(values_in(data)) == ["b", "d"]


@pytest.mark.parametrize("heading", ["id", "User name", "Mail", "Employee ID"])
def test_whoever_is_there_twice_is_refused_in_every_line(heading: str) -> None:
    data = f"{heading},Department\nx@y.com,1\nother@y.com,2\nX@y.com,3\nx@Y.com,4\n"
    assert [line for line, _ in refusals_in(data)] == [2, 4, 5]
    assert refusals_in(data)[0][1].endswith("`x@y.com` is in line 4 too")
    assert len(values_in(data)) == 1


def test_people_who_are_chained_by_names_are_all_refused() -> None:
    data = "Employee ID,Mail\n1,a@x.com\n2,b@x.com\n1,b@x.com\n2,c@x.com\n3,d@x.com\n"
    assert [line for line, _ in refusals_in(data)] == [2, 3, 4, 5]
    assert list(values_in(data)) == ["d"]


def test_the_same_row_twice_is_one_person() -> None:
    found = found_in("Mail,Name\na@x.com,A\na@x.com,A\n")
    assert list(found.draft.users) == ["a"]
    assert found.draft.complete
    assert "1 row is twice in the table, cell by cell: taken once" in found.draft.notes


def test_a_row_without_anything_that_tells_who_it_is_is_refused() -> None:
    assert refusals_in("Mail,Employee ID,Name\n,,Ada\n")[0][1] == ("no mail nor employee id: nothing tells who this is")


def test_a_table_without_a_column_that_tells_people_apart_is_refused_whole() -> None:
    with pytest.raises(ReconcilerError, match="no column tells people apart") as raised:
        found_in("Name,Department\nAda,Math\n")
    assert "--column" in raised.value.hint


def test_all_that_is_wrong_with_a_row_is_said() -> None:
    (refusal,) = found_in("Mail,Name,Hired\nada,=1+1,soon\n").refusals
    for why in ("Mail: `ada` is no address", "Name: `=1+1` is a formula", "Hired: `soon` is no date"):
        assert why in refusal.why
    assert "such as 2026-11-23" in refusal.remedy


def test_dates_are_read_as_the_rest_of_their_column_is() -> None:
    rows = "a@x.com,3/4/2026\nb@x.com,13/4/2026\n"
    assert values_in("Mail,Hired\n" + rows)["a"]["employeeHireDate"] == "2026-04-03"
    data = "Mail,Hired\na@x.com,3/4/2026\nb@x.com,2026-01-02\n"
    assert [line for line, _ in refusals_in(data)] == [2]
    told = [Told("Hired", ("employeeHireDate",), dates="mdy")]
    assert values_in(data, told=told)["a"]["employeeHireDate"] == "2026-03-04"
    both = "Mail,Hired\na@x.com,3/4/2026\nb@x.com,13/4/2026\nc@x.com,4/13/2026\n"
    assert [line for line, _ in refusals_in(both)] == [2]


@pytest.mark.parametrize(
    "named",
    ["017", "grace@contoso.com", "GRACE@contoso.com", "grace", "Grace Hopper", '"Hopper, Grace"', "Grace Hopper (017)",
     "Boss <grace@contoso.com>"],
)  # fmt: skip
def test_a_manager_is_known_by_number_mail_id_or_name(named: str) -> None:
    assert values_in(TWO.replace(",017\n", f",{named}\n", 1))["ada"]["manager"] == "grace"


def test_a_manager_may_be_described_already() -> None:
    boss = user("hopper", mail="boss@contoso.com", displayName="The Boss")
    data = TWO.replace(",017\n", ",boss@contoso.com\n", 1)
    assert values_in(data, existing=[boss])["ada"]["manager"] == "hopper"


def test_a_manager_who_is_nobody_is_left_out_and_said() -> None:
    found = found_in(TWO.replace(",017\n", ",099\n", 1))
    assert "manager" not in found.draft.users["ada"].values
    assert found.draft.complete
    (refusal,) = found.refusals
    assert (refusal.line, refusal.taken) == (2, True)
    assert "`099` is neither in this table nor in the desired state" in refusal.why


def test_a_manager_whose_row_was_refused_is_said_to_be_there() -> None:
    data = "Employee ID,Mail,Manager\n1,a@x.com,2\n2,not an address,\n3,a3@x.com,3\n"
    assert refusals_in(data)[0] == (2, "manager: `2` is in line 3, which was refused")
    assert "manager" not in values_in(data)["a3"], "nobody is their own manager"


def test_of_two_people_with_one_name_neither_is_the_manager() -> None:
    data = "Mail,Name,Manager\na@x.com,Kim Lee,\nb@x.com,Kim Lee,\nc@x.com,C,Kim Lee\n"
    assert refusals_in(data) == [(4, "manager: `Kim Lee` could be several people")]


def test_ids_do_not_depend_on_the_order_of_rows() -> None:
    lines = [f"{n},kim@{n}.example\n" for n in range(20)]
    expected = {identity: v["employeeId"] for identity, v in values_in("Employee ID,Mail\n" + "".join(lines)).items()}
    random.Random(3).shuffle(lines)
    found = values_in("Employee ID,Mail\n" + "".join(lines))
    assert {identity: v["employeeId"] for identity, v in found.items()} == expected
    assert expected["kim"] == "0"


def test_ids_of_the_table_are_taken_as_they_are() -> None:
    data = "id,Mail\nE-007,ada@x.com\n../../etc/passwd,b@x.com\n"
    assert list(values_in(data)) == ["E-007"]
    assert "can't be an id" in refusals_in(data)[0][1]


def test_ids_made_from_hostile_names_are_harmless() -> None:
    found = values_in("User name\n../../etc/passwd@x\n.hidden@x\nCON@x\nЮлия@x\n😀@x\n", told=())
    assert len(found) == 5
    assert not [one for one in found if "/" in one or one.startswith(".") or ".." in one]


def test_a_namesake_of_somebody_described_is_somebody_else() -> None:
    there = user("ada", userPrincipalName="ada@contoso.com")
    found = values_in("User name\nada@contoso.de\n", existing=[there])
    assert "ada" not in found
    assert next(iter(found)).startswith("ada-")


def test_people_described_keep_their_ids() -> None:
    there = [user("e1", mail="ada@x.com", employeeId="1"), user("e2", employeeId="2")]
    found = values_in("Employee ID,Mail\n1,ada@x.com\n2,grace@x.com\n", existing=there)
    assert set(found) == {"e1", "e2"}


def test_whoever_could_be_two_people_is_refused() -> None:
    there = [user("e1", mail="ada@x.com"), user("e2", employeeId="2")]
    (refusal,) = found_in("Employee ID,Mail\n2,ada@x.com\n", existing=there).refusals
    assert refusal.why == "could be several people of the desired state: `e1` by mail, `e2` by employee id"


def test_a_reused_address_is_not_taken_for_the_same_person() -> None:
    there = [user("ada", mail="a@x.com", employeeId="1")]
    (refusal,) = found_in("Employee ID,Mail\n2,a@x.com\n", existing=there).refusals
    assert refusal.why == "has the mail of `ada`, whose employee id is `1`: somebody else, or not?"


def test_two_rows_that_are_one_person_of_the_files_are_both_refused() -> None:
    there = [user("ada", mail="a@x.com", employeeId="1")]
    data = "Employee ID,Mail\n1,new@x.com\n,a@x.com\n3,c@x.com\n"
    assert [line for line, _ in refusals_in(data, existing=there)] == [2, 3]


def test_attributes_of_the_organization_have_their_types() -> None:
    custom = {
        "costCenter": CustomAttribute(type="string"),
        "floor": CustomAttribute(type="integer"),
        "remote": CustomAttribute(type="boolean"),
        "review": CustomAttribute(type="date"),
        "buddy": CustomAttribute(type="reference"),
        "skills": CustomAttribute(type="string", multi_valued=True),
    }
    data = (
        "Mail,Cost Center,Floor,Remote,Review,Buddy,Skills\n"
        "a@x.com,0012,04,yes,24.12.2026,b@x.com,SQL; Go;SQL\nb@x.com,,,,,,\n"
    )
    assert values_in(data, custom=custom)["a"] == {
        "mail": "a@x.com", "costCenter": "0012", "floor": 4, "remote": True, "review": "2026-12-24", "buddy": "b",
        "skills": ["SQL", "Go"],
    }  # fmt: skip
    assert values_in(data, custom=custom)["b"] == {"mail": "b@x.com"}


def test_windows_of_people_may_be_columns() -> None:
    told = [Told("Contract end", ("until",))]
    assert values_in("Mail,Contract end\na@x.com,31.12.2026\n", told=told)["a"]["until"] == "2026-12-31"


def test_notes_say_what_is_missing() -> None:
    notes = " ".join(found_in("Mail\na@x.com\n").draft.notes)
    assert "no column gives userPrincipalName" in notes
    assert "no column says who still works here" in notes
    assert "Windows-1252" in " ".join(found_in("Mail,Name\na@x.com,J\xfc\n".encode("cp1252")).draft.notes)


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_ROWS", 2)
    with pytest.raises(ReconcilerError, match="more than 2 rows"):
        found_in("Mail\n" + "".join(f"{n}@x.com\n" for n in range(3)))


def test_what_was_refused_is_a_table_that_can_be_imported_when_it_is_corrected() -> None:
    data = 'Mail;Name;Status\nada;"Ada; L";Active\nb@x.com;=cmd;Active\nc@x.com\nd@x.com;D;Active\n'
    found = found_in(data)
    content = as_table(opened(data).headings, found.refusals, ";")
    read = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert read[0] == ["Mail", "Name", "Status", "refused: line", "refused: why", "refused: what to do"]
    assert [row[:4] for row in read[1:]] == [
        ["ada", "Ada; L", "Active", "2"],
        ["b@x.com", "'=cmd", "Active", "3"],
        ["c@x.com", "", "", "4"],
    ]
    assert [why for _, why in refusals_in(content)][:2] == [
        "Mail: `ada` is no address",
        "Name: `=cmd` is a formula, not a value",
    ]
    corrected = content.replace(b"ada;", b"ada@x.com;").replace(b"'=cmd", b"Bea")
    assert list(values_in(corrected)) == ["ada", "b"]


def test_nobody_is_described_where_nothing_is(tmp_path: object) -> None:
    assert described(None).users == {}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a@x.com,2026-05-01,2026-04-30", "until 2026-04-30, which is not after 2026-05-01"),
        ("a@x.com,2026-05-01T08:00+01:00,2026-05-01T07:00Z", "which is not after"),
        ("a@x.com,20260501T080000+0100,", "`20260501T080000+0100` is no day, nor a time with an offset"),
    ],
)
def test_windows_in_which_nothing_holds_are_refused(row: str, why: str) -> None:
    told = [Told("Begin", ("from",)), Told("Stop", ("until",))]
    (refusal,) = found_in(f"Mail,Begin,Stop\n{row}\nb@x.com,2026-05-01,2026-05-01\n", told=told).refusals
    assert (refusal.line, why in refusal.why) == (2, True)


def test_what_looks_like_a_token_is_refused_and_not_repeated() -> None:
    (refusal,) = found_in("Mail,Title\na@x.com,ghp_" + "a" * 36 + "\n").refusals
    assert refusal.why == "Title: looks like a token or a private key"

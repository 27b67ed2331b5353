"""Who had what on which day, since when, and by whose decision."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reconciler.evidence.grants import access_at
from reconciler.model.access import Grant
from reconciler.session import Settings, load, profile_of
from tests.evidence.conftest import ADA, BOSS, GRACE, Reconciler, Repository


def rows(reconciler: Reconciler, *arguments: object) -> list[dict[str, Any]]:
    called = reconciler("access", *arguments, "--format", "json")
    assert called.code == 0, called.err
    found = called.document["rows"]
    assert isinstance(found, list)
    return found


def has(found: list[dict[str, Any]]) -> set[tuple[str, str | None]]:
    return {(row["person"].removeprefix("user:"), row["group"]) for row in found}


def test_access_is_what_the_files_of_that_day_say(repository: Repository, reconciler: Reconciler) -> None:
    company = repository.company
    company.edit_person("ada.lovelace", accountEnabled=False)
    repository.commit("ada leaves", "2026-10-10T10:00:00Z")
    company.person("percy.shelley", "Percy", "Shelley")
    repository.commit("mary comes", "2026-10-20T10:00:00Z")
    days = {"2026-09-30": set(), "2026-10-09": {"ada.lovelace"}, "2026-10-10": set(), "2026-10-21": {"percy.shelley"}}
    for day, there in days.items():
        people = {person for person, _ in has(rows(reconciler, company.root, "--on", day))}
        assert people & {"ada.lovelace", "percy.shelley"} == there, day
    moment = datetime(2026, 10, 21, 12, tzinfo=UTC)
    loaded = load(Settings(company.root))
    app = loaded.apps["app"]
    expected = access_at(loaded.directory, app, profile_of(app), moment)
    found = rows(reconciler, company.root, "--on", "2026-10-21T12:00:00Z")
    assert {Grant(row["app"], row["person"], row["group"] or "") for row in found} == expected.keys()


def test_since_when_and_by_whom(repository: Repository, reconciler: Reconciler) -> None:
    company = repository.company
    repository.git("checkout", "-q", "-b", "change")
    company.edit_group("research", members=["alan.turing", "mary.somerville", "linus.byrne"])
    repository.commit("linus into research", "2026-10-05T10:00:00Z", by=GRACE)
    merged = repository.merge(
        "Merge pull request #12 from change\n\nApproved-by: Linus\nReviewed-by: Linus", "2026-10-06T10:00:00Z"
    )
    company.edit_person("mary.somerville", department="Physics")
    repository.commit("something else", "2026-10-07T10:00:00Z")
    (row,) = rows(reconciler, company.root, "--user", "linus.byrne", "--group", "research")
    assert row["since"] == "2026-10-06T10:00:00Z"
    assert row["requestedAt"] == "2026-10-05T10:00:00Z"
    assert (row["author"], row["approvers"], row["request"]) == (GRACE, f"Linus, {BOSS}", "#12")
    assert (row["commit"], row["decidedBy"]) == (merged, "commit")
    (old,) = rows(reconciler, company.root, "--user", "alan.turing", "--group", "research")
    assert (old["since"], old["author"], old["requestedAt"]) == ("2026-10-01T10:00:00Z", ADA, "2026-10-01T08:00:00Z")
    text = reconciler("access", company.root, "--user", "linus.byrne", "--group", "research").out
    assert f"Grace, approved by Linus, Boss #12 {merged[:7]}" in text


def test_who_left_and_came_back_has_it_since_the_second_time(repository: Repository, reconciler: Reconciler) -> None:
    company = repository.company
    company.edit_person("ada.lovelace", accountEnabled=False)
    repository.commit("gone", "2026-10-10T10:00:00Z")
    company.edit_person("ada.lovelace", accountEnabled=True)
    repository.commit("back (#7)", "2026-10-12T10:00:00Z")
    found = rows(reconciler, company.root, "--user", "ada.lovelace")
    assert {row["since"] for row in found} == {"2026-10-12T10:00:00Z"}
    assert {row["request"] for row in found} == {"#7"}


def test_a_window_opens_by_the_clock(repository: Repository, reconciler: Reconciler) -> None:
    company = repository.company
    member = {"user": "linus.byrne", "from": "2026-10-10", "until": "2026-10-20", "reason": "cover"}
    company.edit_group("research", members=["alan.turing", member])
    repository.commit("later", "2026-10-05T10:00:00Z")
    asked = ("--user", "linus.byrne", "--group", "research")
    assert not rows(reconciler, company.root, *asked, "--on", "2026-10-09")
    (row,) = rows(reconciler, company.root, *asked, "--on", "2026-10-15")
    assert (row["since"], row["decidedBy"], row["commit"]) == ("2026-10-10T00:00:00Z", "window", None)
    assert (row["until"], row["reason"]) == ("2026-10-20", "cover")
    assert not rows(reconciler, company.root, *asked, "--on", "2026-10-21")
    assert "its window" in reconciler("access", company.root, *asked, "--on", "2026-10-15").out


def test_nesting_is_shown_with_its_way(repository: Repository, reconciler: Reconciler) -> None:
    (row,) = rows(reconciler, repository.root, "--user", "linus.byrne", "--group", "social-media")
    assert row["via"] == "agencies"


def test_the_difference_between_two_days(repository: Repository, reconciler: Reconciler) -> None:
    company = repository.company
    company.remove_person("charles.babbage")
    repository.commit("charles leaves", "2026-10-10T10:00:00Z", by=GRACE)
    company.person("percy.shelley", "Percy", "Shelley")
    repository.commit("mary comes", "2026-10-20T10:00:00Z")
    called = reconciler("access", company.root, "--since", "2026-10-05", "--on", "2026-10-25", "--format", "json")
    found = [(row["change"], row["person"], row["group"], row["since"]) for row in called.document["rows"]]
    gone, new = "2026-10-10T10:00:00Z", "2026-10-20T10:00:00Z"
    assert found == [
        ("lost", "user:charles.babbage", None, gone),
        ("lost", "user:charles.babbage", "group:agencies", gone),
        ("lost", "user:charles.babbage", "group:social-media", gone),
        ("gained", "user:percy.shelley", None, new),
    ]
    assert {row["author"] for row in called.document["rows"] if row["change"] == "lost"} == {GRACE}
    text = reconciler("access", company.root, "--since", "2026-10-05", "--on", "2026-10-25").out
    assert text.splitlines()[1].startswith("- lost    charles.babbage")
    same = reconciler("access", company.root, "--since", "2026-10-25", "--on", "2026-10-26")
    assert same.out == "nobody gained or lost anything\n"
    wrong = reconciler("access", company.root, "--since", "2026-10-25", "--on", "2026-10-24")
    assert wrong.code == 64
    assert "--since names the earlier day" in wrong.err


def test_files_that_could_not_be_used_changed_nothing(repository: Repository, reconciler: Reconciler) -> None:
    company = repository.company
    company.write("users/broken.yaml", "id: [")
    repository.commit("a slip", "2026-10-10T10:00:00Z")
    (company.root / "users" / "broken.yaml").unlink()
    repository.commit("mended", "2026-10-11T10:00:00Z")
    called = reconciler("access", company.root, "--group", "research", "--format", "json")
    assert {row["since"] for row in called.document["rows"]} == {"2026-10-01T10:00:00Z"}
    assert "what stood before them held" in called.err
    assert rows(reconciler, company.root, "--on", "2026-10-10")


def test_a_shallow_clone_says_that_it_is_older(repository: Repository, reconciler: Reconciler, tmp_path: Any) -> None:
    repository.company.edit_person("ada.lovelace", department="Physics")
    repository.commit("something", "2026-10-10T10:00:00Z")
    clone = tmp_path / "clone"
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.root}", str(clone))
    found = rows(reconciler, clone, "--user", "ada.lovelace")
    assert {row["decidedBy"] for row in found} == {"before"}
    assert "before 2026-10-10" in reconciler("access", clone, "--user", "ada.lovelace").out


def test_what_a_message_says_stays_text(repository: Repository, reconciler: Reconciler) -> None:
    company = repository.company
    company.person("percy.shelley", "Percy", "Shelley", displayName="=cmd|'/C calc'!A1")
    forged = "x\x1e0000\x1f9\n\nApproved-by: Nobody\x1b[31m\n"
    repository.commit(forged, "2026-10-10T10:00:00Z", by="\u202eEve <e@x>")
    called = reconciler("access", company.root, "--user", "percy.shelley", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(called.out))
    assert row["name"].startswith("'=cmd")
    assert row["author"] == "<U+202E>Eve <e@x>"
    assert row["approvers"] == "Nobody<U+001B>[31m"
    text = reconciler("access", company.root, "--user", "percy.shelley").out
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_errors_that_a_person_can_make(repository: Repository, reconciler: Reconciler, tmp_path: Any) -> None:
    wrong = reconciler("access", repository.root, "--on", "yesterday")
    assert wrong.code == 64
    assert "neither a day nor a time" in wrong.err
    other = reconciler("access", repository.root, "--app", "ap")
    assert other.code == 64
    assert "there is no app `ap`" in other.err
    nobody = reconciler("access", repository.root, "--user", "nobody")
    assert (nobody.code, nobody.out[:20]) == (0, "nobody has access on")


def test_without_git(company: Any, reconciler: Reconciler) -> None:
    called = reconciler("access", company(gallery="scim").root)
    assert called.code == 64
    assert "has no history in git" in called.err


def test_of_one_person_the_answer_is_that_of_everybody(repository: Repository, reconciler: Reconciler) -> None:
    """Revisions that can't concern them are not read: nothing else may come of it."""
    company = repository.company
    linus, broken = company.root / "users" / "linus.byrne.yaml", company.root / "users" / "broken.yaml"

    def mended_and_back() -> None:
        broken.unlink()
        company.edit_person("linus.byrne", accountEnabled=True)

    def a_slip_beside() -> None:
        company.write("users/broken.yaml", "id: [")
        company.edit_group("research", members=["alan.turing", "linus.byrne"])

    steps: list[Callable[[], object]] = [
        lambda: company.edit_person("alan.turing", department="Chess"),
        lambda: company.edit_person("linus.byrne", accountEnabled=False),
        lambda: company.write("users/broken.yaml", "id: ["),
        mended_and_back,
        a_slip_beside,
        broken.unlink,
        lambda: linus.rename(linus.with_name("moved.yaml")),
        lambda: company.edit_person("grace.hopper", department="Navy"),
    ]
    for day, step in enumerate(steps, 2):
        step()
        repository.commit("a step", f"2026-10-{day:02}T10:00:00Z")
    for moment in ("2026-10-01", "2026-10-02", "2026-10-03", "2026-10-05", "2026-10-06", "2026-10-07", "2026-10-30"):
        everybody = rows(reconciler, company.root, "--on", moment)
        for person in ("linus.byrne", "alan.turing", "ada.lovelace"):
            alone = rows(reconciler, company.root, "--user", person, "--on", moment)
            assert alone == [row for row in everybody if row["person"] == f"user:{person}"], (person, moment)
    (research,) = rows(reconciler, company.root, "--user", "linus.byrne", "--group", "research")
    assert research["since"] == "2026-10-07T10:00:00Z", "from when on the files could be used"

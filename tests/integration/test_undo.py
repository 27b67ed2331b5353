"""`undo`: what an apply did, the other way round, as far as the application still holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from reconciler.plan import read_plans
from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


@pytest.fixture
def site(sandbox: Sandbox, company: Callable[..., Company], reconciler: Reconciler) -> Iterator[Company]:
    """Everybody is there, and then there was a day on which something of everything happened."""
    with running(sandbox) as url:
        site = company(gallery="scim", tenant=url)
        site.edit_app(guardrails={"removeMembers": {"ignoreBelow": 50}})  # the 24-hour window counts both ways
        assert reconciler("apply", site.root, "--yes").code == 0
        yield site


def day(site: Company) -> None:
    site.edit_person("grace.hopper", displayName="Rear Admiral Hopper", mail="admiral@contoso.com")
    site.edit_person("ada.lovelace", accountEnabled=False)
    site.person("emmy.noether", "Emmy", "Noether")
    site.edit_group("research", displayName="Science", members=["mary.somerville", "emmy.noether"])


def newest(site: Company) -> Path:
    return max((site.root / ".reconciler" / "journals").glob("*.jsonl"))


def holds(sandbox: Sandbox) -> dict[str, Any]:
    """What people see: accounts by userName, groups by name."""
    names = {id_: user["userName"] for id_, user in sandbox.users.items()}
    users = {
        user["userName"]: (user["displayName"], user["active"], user.get("emails")) for user in sandbox.users.values()
    }
    groups = {g["displayName"]: sorted(names[m] for m in sandbox.members(i)) for i, g in sandbox.groups.items()}
    return {**users, **groups}


def test_a_day_is_undone_and_nobody_is_deleted(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    before = holds(sandbox)
    day(site)
    assert reconciler("apply", site.root, "--yes").code == 0
    assert holds(sandbox) != before
    called = reconciler("undo", newest(site), site.root, "--yes")
    assert called.code == 0, called.out + called.err
    after = holds(sandbox)
    emmy = after.pop("emmy@contoso.com")
    assert emmy[1] is False, "created, and so deactivated, never deleted"
    assert after == before
    assert "REVERT THESE FILES TOO" in called.out
    for file in ("users/grace.hopper.yaml", "users/ada.lovelace.yaml", "groups/research.yaml"):
        assert file in called.out
    assert reconciler("plan", site.root, "--detailed-exitcode").code in (2, 3), "git still says otherwise"


def test_without_reverting_the_files_the_next_apply_makes_it_so_again(
    site: Company, sandbox: Sandbox, reconciler: Reconciler
) -> None:
    day(site)
    assert reconciler("apply", site.root, "--yes").code == 0
    wanted = holds(sandbox)
    assert reconciler("undo", newest(site), site.root, "--yes").code == 0
    again = reconciler("apply", site.root, "--yes")
    assert again.code == 0, again.out
    assert holds(sandbox) == wanted


def test_undoing_twice_does_nothing_the_second_time(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    day(site)
    assert reconciler("apply", site.root, "--yes").code == 0
    journal = newest(site)
    assert reconciler("undo", journal, site.root, "--yes").code == 0
    after, asked = holds(sandbox), len([r for r in sandbox.requests if r.method != "GET"])
    called = reconciler("undo", journal, site.root, "--yes")
    assert called.code == 0
    assert "already so" in called.out
    assert holds(sandbox) == after
    assert len([r for r in sandbox.requests if r.method != "GET"]) == asked


def test_an_undo_is_undone(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    day(site)
    assert reconciler("apply", site.root, "--yes").code == 0
    wanted = holds(sandbox)
    assert reconciler("undo", newest(site), site.root, "--yes").code == 0
    again = reconciler("undo", newest(site), site.root, "--yes")
    assert again.code == 0, again.out
    assert holds(sandbox) == wanted
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 0


def test_what_moved_since_is_left_alone(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    site.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    site.edit_person("mary.somerville", displayName="Mrs Somerville")
    assert reconciler("apply", site.root, "--yes").code == 0
    sandbox.edit_user(sandbox.user_id("grace@contoso.com"), displayName="Commodore Hopper")
    called = reconciler("undo", newest(site), site.root, "--yes")
    assert called.code == 0
    assert "displayName: moved since, and left alone" in called.out
    assert holds(sandbox)["grace@contoso.com"][0] == "Commodore Hopper"
    assert holds(sandbox)["mary@contoso.com"][0] == "Mary Somerville"
    assert "users/grace.hopper.yaml" not in called.out.partition("REVERT THESE FILES")[2]


def test_with_out_it_is_only_written_down(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, tmp_path: Path
) -> None:
    day(site)
    assert reconciler("apply", site.root, "--yes").code == 0
    before = holds(sandbox)
    called = reconciler("undo", newest(site), site.root, "--out", tmp_path / "undo.json")
    assert called.code == 0
    assert holds(sandbox) == before
    (plan,) = read_plans((tmp_path / "undo.json").read_bytes(), "undo.json")
    assert {(c.action, c.key) for c in plan.changes} == {
        ("reactivateUser", "user:ada.lovelace"), ("deactivateUser", "user:emmy.noether"),
        ("updateUser", "user:grace.hopper"), ("renameGroup", "group:research"),
        ("addMembers", "group:research"), ("removeMembers", "group:research"), ("addMembers", "group:social-media"),
    }  # fmt: skip
    assert {reason for c in plan.changes for reason in c.reasons} == {"undone", "memberLeaves"}
    called = reconciler("undo", newest(site), site.root, "--out", tmp_path / "again.json", "--format", "json")
    told = orjson.loads(called.out)
    assert told["plan"] == orjson.loads((tmp_path / "again.json").read_bytes())
    assert "users/grace.hopper.yaml" in told["undo"]["files"]
    unwritable = reconciler("undo", newest(site), site.root, "--out", tmp_path / "no" / "undo.json")
    assert unwritable.code == 64


def test_guardrails_hold_an_undo_too(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    for number in range(8):
        site.person(f"p{number}", "Given", f"Surname{number}")
    assert reconciler("apply", site.root, "--yes").code == 0
    called = reconciler("undo", newest(site), site.root, "--yes")
    assert called.code == 3
    assert all(user["active"] for user in sandbox.users.values())
    assert reconciler("undo", newest(site), site.root, "--yes").code == 0, "the held undo itself did nothing"
    first = sorted((site.root / ".reconciler" / "journals").glob("*.jsonl"))[1]
    released = reconciler("undo", first, site.root, "--yes", "--allow", "deprovisionUsers=8")
    assert released.code == 0, released.out
    assert sum(not user["active"] for user in sandbox.users.values()) == 8


def test_nobody_is_touched_who_is_protected(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    day(site)
    assert reconciler("apply", site.root, "--yes").code == 0
    site.edit_app(
        guardrails={"removeMembers": {"ignoreBelow": 50}, "protected": {"users": ["grace.hopper", "emmy.noether"]}}
    )
    called = reconciler("undo", newest(site), site.root, "--yes")
    assert called.code == 0
    assert "not touched: protected" in called.out
    assert holds(sandbox)["emmy@contoso.com"][1] is True
    assert holds(sandbox)["grace@contoso.com"][0] == "Rear Admiral Hopper"


def test_who_was_revoked_meanwhile_stays_so(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    site.edit_person("ada.lovelace", accountEnabled=False)
    assert reconciler("apply", site.root, "--yes").code == 0
    state = site.state
    state["revocations"] = {"user:ada.lovelace": {"reason": "x", "at": "2026-11-23T00:00:00Z", "by": "", "until": None}}
    site.state_file.write_bytes(orjson.dumps(state))
    called = reconciler("undo", newest(site), site.root, "--yes")
    assert called.code == 0
    assert "revoked meanwhile" in called.out
    assert holds(sandbox)["ada@contoso.com"][1] is False


def test_what_was_deleted_is_told(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    site.edit_app(deprovision={"users": "delete", "groups": "delete"})
    site.remove_person("linus.byrne")
    site.remove_group("research")
    assert reconciler("apply", site.root, "--yes").code == 0
    before = holds(sandbox)
    called = reconciler("undo", newest(site), site.root, "--yes", "--format", "json")
    assert called.code == 0
    texts = {(each["action"], each["key"]): each["text"] for each in called.document["undo"]["left"]}
    assert texts["deleteUser", "user:linus.byrne"] == "what was deleted can't be brought back"
    assert "deleteGroup" in {action for action, _ in texts}
    assert holds(sandbox) == before


def cut(journal: Path, keep: Callable[[dict[str, Any]], bool]) -> None:
    """As a process leaves it that was killed: without the lines for which `keep` does not hold."""
    lines = [line for line in journal.read_bytes().splitlines(keepends=True) if keep(orjson.loads(line))]
    journal.write_bytes(b"".join(lines) + b'{"event":"do')


def test_a_run_that_was_killed(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    """No end, a torn last line, and one change of which nobody wrote down what came of it."""
    before = holds(sandbox)
    site.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    site.edit_person("mary.somerville", displayName="Mrs Somerville")
    assert reconciler("apply", site.root, "--yes").code == 0
    cut(
        newest(site),
        lambda line: line["event"] != "end" and (line["event"], line.get("key")) != ("done", "user:grace.hopper"),
    )
    assert reconciler("undo", newest(site), site.root, "--yes").code == 0
    assert holds(sandbox) == before


def test_what_was_not_done_is_not_undone(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    site.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    site.edit_person("mary.somerville", displayName="Mrs Somerville")
    assert reconciler("apply", site.root, "--yes").code == 0
    cut(newest(site), lambda line: line.get("key") != "user:grace.hopper")
    assert reconciler("undo", newest(site), site.root, "--yes").code == 0
    assert holds(sandbox)["grace@contoso.com"][0] == "Rear Admiral Hopper"
    assert holds(sandbox)["mary@contoso.com"][0] == "Mary Somerville"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda j: j.with_suffix(".plan.json").unlink(), "the plan that was applied can't be read"),
        (lambda j: j.write_text("{}\n"), "is no journal of an apply"),
        (lambda j: j.write_text("x\ny\n"), "line 1 is no JSON"),
        (lambda j: j.unlink(), "the journal can't be read"),
        (lambda j: j.write_bytes(j.read_bytes() * 2), "is about several applies"),
        (lambda j: j.write_text(j.read_text().replace('"digest":"sha256:', '"digest":"sha256:0')), "is not the plan"),
    ],
)
def test_a_journal_that_cannot_be_used(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, damage: Callable[[Path], object], says: str
) -> None:
    damage(newest(site))
    sandbox.requests.clear()
    name = next((site.root / ".reconciler" / "journals").glob("*.jsonl"), None)
    called = reconciler("undo", name or site.root / "gone.jsonl", site.root, "--yes")
    assert called.code == 1
    assert says in called.err
    assert not sandbox.requests


def test_a_journal_of_another_tenant(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    site.edit_app(tenantUrl="http://127.0.0.1:9/other")
    called = reconciler("undo", newest(site), site.root, "--yes")
    assert called.code == 1
    assert "the journal is about http://127.0.0.1" in called.err


def test_redacted_values_stay_where_they_are(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    mapping = {"target": "nickName", "expression": "Redact([department])"}
    site.write("apps/app/mappings.yaml", {"users": [mapping]})
    assert reconciler("apply", site.root, "--yes").code == 0
    site.edit_person("ada.lovelace", department="Secret Affairs", displayName="Countess")
    assert reconciler("apply", site.root, "--yes").code == 0
    called = reconciler("undo", newest(site), site.root, "--yes")
    assert called.code == 0
    assert "nickName: what was there is in no document" in called.out
    assert sandbox.users[sandbox.user_id("ada@contoso.com")]["nickName"] == "Secret Affairs"
    assert holds(sandbox)["ada@contoso.com"][0] == "Ada Lovelace"
    kept = b"".join(f.read_bytes() for f in (site.root / ".reconciler" / "journals").iterdir())
    assert b"Secret Affairs" not in kept


def test_nobody_is_there_to_confirm(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    day(site)
    assert reconciler("apply", site.root, "--yes").code == 0
    before = holds(sandbox)
    assert reconciler("undo", newest(site), site.root).code == 64
    assert holds(sandbox) == before


def exchange(site: Company, *ring: str) -> None:
    """Each gets the names of the next."""
    for each, other in zip(ring, [*ring[1:], ring[0]], strict=True):
        address = f"{other.partition('.')[0]}@contoso.com"
        site.edit_person(each, userPrincipalName=address, mail=address)


@pytest.mark.parametrize("ring", [("ada.lovelace", "grace.hopper"), ("ada.lovelace", "grace.hopper", "alan.turing")])
def test_who_exchanged_names_have_their_own_names_and_accounts_again(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, ring: tuple[str, ...]
) -> None:
    site.edit_app(guardrails={"renameUsers": {"count": 50}})
    before = {id_: (user["userName"], user["displayName"]) for id_, user in sandbox.users.items()}
    exchange(site, *ring)
    assert reconciler("apply", site.root, "--yes").code == 0
    assert {id_: (user["userName"], user["displayName"]) for id_, user in sandbox.users.items()} != before
    called = reconciler("undo", newest(site), site.root, "--yes")
    assert called.code == 0, called.out + called.err
    assert {id_: (user["userName"], user["displayName"]) for id_, user in sandbox.users.items()} == before
    assert "moved since" not in called.out
    again = reconciler("undo", newest(site), site.root, "--yes")
    assert again.code == 0, again.out + again.err
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 0, "an undo is undone"


def test_who_was_left_with_a_temporary_name_while_it_was_taken_back(
    site: Company, sandbox: Sandbox, reconciler: Reconciler
) -> None:
    """Killed after the last step was taken back, before that was written down."""
    site.edit_app(guardrails={"renameUsers": {"count": 50}})
    before = {id_: user["userName"] for id_, user in sandbox.users.items()}
    exchange(site, "ada.lovelace", "grace.hopper")
    assert reconciler("apply", site.root, "--yes").code == 0
    journal = newest(site)
    (plan,) = read_plans(journal.with_suffix(".plan.json").read_bytes(), "")
    (aside,) = [change for change in plan.changes if getattr(change, "temporary", False)]
    name = getattr(aside, "set")["userName"].after  # noqa: B009 -- not every change has it
    sandbox.edit_user(str(aside.id), userName=name)
    called = reconciler("undo", journal, site.root, "--yes")
    assert called.code == 0, called.out + called.err
    assert {id_: user["userName"] for id_, user in sandbox.users.items()} == before


def test_steps_that_were_taken_back_were_not_done(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    site.edit_app(guardrails={"renameUsers": {"count": 50}})
    exchange(site, "ada.lovelace", "grace.hopper")
    assert reconciler("apply", site.root, "--yes").code == 0
    after = {id_: user["userName"] for id_, user in sandbox.users.items()}
    journal = newest(site)
    steps = {line["step"] for row in journal.read_bytes().splitlines() if "step" in (line := orjson.loads(row))}
    with journal.open("ab") as file:
        for step in steps:
            file.write(orjson.dumps({"event": "takenBack", "step": step}) + b"\n")
    called = reconciler("undo", journal, site.root, "--yes")
    assert called.code == 0, called.out + called.err
    assert {id_: user["userName"] for id_, user in sandbox.users.items()} == after


def suspended(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    """Somebody suspends Ada, takes Mary out of a group, and deletes Linus; one release each gives it back."""
    sandbox.edit_user(sandbox.user_id("ada@contoso.com"), active=False)
    sandbox.remove_member(sandbox.group_id("Research"), sandbox.user_id("mary@contoso.com"))
    sandbox.delete_user(sandbox.user_id("linus@contoso.com"))
    people = ("ada.lovelace", "mary.somerville", "linus.byrne")
    releases = [word for each in people for word in ("--allow", f"takenAwayInApp:user:{each}")]
    assert reconciler("apply", site.root, "--yes", *releases).code == 0


def test_what_was_given_back_on_request_is_asked_for_again(
    site: Company, sandbox: Sandbox, reconciler: Reconciler
) -> None:
    """Not we had taken it away: git gives it back only to whoever answers once more."""
    suspended(site, sandbox, reconciler)
    assert reconciler("undo", newest(site), site.root, "--yes").code == 0
    before = holds(sandbox)
    assert (before["ada@contoso.com"][1], before["linus@contoso.com"][1]) == (False, False)
    assert "mary@contoso.com" not in before["Research"]
    called = reconciler("apply", site.root, "--yes")
    assert called.code == 3, called.out
    assert holds(sandbox) == before
    for each in ("ada.lovelace", "mary.somerville", "linus.byrne"):
        assert f"--allow takenAwayInApp:user:{each}" in called.out


def test_an_undo_of_that_undo_gives_it_back(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    suspended(site, sandbox, reconciler)
    wanted = holds(sandbox)
    assert reconciler("undo", newest(site), site.root, "--yes").code == 0
    assert reconciler("undo", newest(site), site.root, "--yes").code == 0
    assert holds(sandbox) == wanted
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 0

"""Who frees a name before who takes it, and names that nobody gives up."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.plan import Plan
from reconciler.plan import dependencies, given_up
from reconciler.plan.temporary import left_behind, temporary_name

MAIL = 'emails[type eq "work"].value'


def played(plan: Plan, names: dict[str, str], path: str = "userName") -> dict[str, str]:
    """Id → name once the changes are done in the order that they ask for; no name is ever two resources'."""
    needs, done, now = dependencies(plan.changes), set[int](), dict(names)
    while len(done) < len(plan.changes):
        ready = [n for n in range(len(plan.changes)) if n not in done and needs.get(n, set()) <= done]
        assert ready, "a circle"
        change = plan.changes[ready[-1]]
        difference = getattr(change, "set", {}).get(path)
        if difference is not None:
            assert now[change.id or ""] == difference.before
            now[change.id or ""] = difference.after
        assert len({name.casefold() for name in now.values()}) == len(now)
        done.add(ready[-1])
    return now


class TestNames:
    def test_a_chain_runs_from_its_end(self, world: Any, read: Any) -> None:
        world.ours("1", "a", userName="b@contoso.com")
        world.ours("2", "c", userName="a@contoso.com")
        plan = world.plan()
        assert read.runs(plan) == [("renameUser", "user:a"), ("renameUser", "user:c")]
        assert dependencies(world.plan().changes) == {0: {1}}

    @pytest.mark.parametrize("length", [2, 3, 5])
    def test_one_of_a_circle_goes_through_a_temporary_name(self, world: Any, length: int) -> None:
        names = [f"u{n}" for n in range(length)]
        for n, name in enumerate(names):
            other = names[(n + 1) % length]
            world.ours(str(n), name, userName=f"{other}@contoso.com", displayName="Old")
        plan = world.plan()
        aside, *rest = plan.changes
        assert (aside.key, aside.temporary, list(aside.set)) == ("user:u0", True, ["userName"])
        assert [c.key for c in rest] == [f"user:{name}" for name in names]
        assert not any(c.temporary for c in rest)
        through = aside.set["userName"].after
        assert (rest[0].set["userName"].before, rest[0].set["userName"].after) == (through, "u0@contoso.com")
        assert all(c.set["displayName"].before == "Old" for c in rest)
        assert through.endswith("@contoso.com")
        assert not plan.blocked
        assert played(plan, {str(n): f"{names[(n + 1) % length]}@contoso.com" for n in range(length)}) == {
            str(n): f"{name}@contoso.com" for n, name in enumerate(names)
        }
        assert world.plan() == plan

    @pytest.mark.parametrize("both", [True, False])
    def test_accounts_that_are_taken_over_exchange_names_too(self, world: Any, read: Any, both: bool) -> None:
        """A pin gives Ada the account of Zed, who left; its name goes to Bob, whose name Ada takes."""
        world.user("ada", userPrincipalName="bob@contoso.com", accounts={"chat": "1"})
        world.user("bob", userPrincipalName="zed@contoso.com", accounts={"chat": "2"} if both else {})
        world.account("1", "zed")
        world.account("2", "bob")
        world.bind("user:zed", "1")
        if not both:
            world.bind("user:bob", "2")
        plan = world.plan()
        assert not plan.blocked
        assert ("adoptUser", "user:ada") in read.runs(plan)
        assert played(plan, {"1": "zed@contoso.com", "2": "bob@contoso.com"}) == {
            "1": "bob@contoso.com", "2": "zed@contoso.com",
        }  # fmt: skip

    def test_e_mail_addresses_in_a_circle(self, world: Any, read: Any) -> None:
        world.ours("1", "a", mail="b@contoso.com")
        world.ours("2", "b", mail="a@contoso.com")
        plan = world.plan()
        assert read.runs(plan) == [("renameUser", "user:a"), ("updateUser", "user:a"), ("updateUser", "user:b")]
        assert dependencies(plan.changes) == {1: {0, 2}, 2: {0}}

    def test_a_name_that_another_account_keeps(self, world: Any, read: Any) -> None:
        world.ours("1", "ada", userName="byron@contoso.com", displayName="Old")
        world.account("9", "x", userName="Ada@contoso.com", displayName="Stranger")
        plan = world.plan()
        assert read.runs(plan) == [("updateUser", "user:ada")]
        assert read.blocked(plan) == [("renameUser", "user:ada", "nameTaken")]
        assert "Stranger (account:9)" in plan.blocked[0].text

    @pytest.fixture
    def by_number(self, world: Any) -> Any:
        """Three people, found by their number, whose userNames are free to move."""
        world.map({"target": "externalId", "source": "employeeId", "matching": 1},
                  {"target": "userName", "source": "userPrincipalName"})  # fmt: skip

        def person(name: str, old: str | None, wants: str) -> None:
            world.user(name, employeeId=name, userPrincipalName=f"{wants}@contoso.com")
            if old is not None:
                world.account(f"id-{name}", old, externalId=name)
                world.bind(f"user:{name}", f"id-{name}")

        return person

    @pytest.mark.parametrize("cannot", [True, False])
    def test_a_creation_behind_a_circle(self, world: Any, read: Any, by_number: Any, cannot: bool) -> None:
        """Without the exchange neither the account nor its memberships come to be."""
        world.map({"target": "externalId", "source": "employeeId", "matching": 1},
                  {"target": "userName", "source": "userPrincipalName"},
                  {"target": 'emails[type eq "work"].value', "source": "mail"})  # fmt: skip
        for name, old, wants in (("a", "a", "b"), ("b", "b", "a"), ("new", None, "n")):
            by_number(name, old, wants)
        world.user("a", employeeId="a", userPrincipalName="b@contoso.com", mail="x@contoso.com")
        world.user("new", employeeId="new", userPrincipalName="n@contoso.com", mail="a@contoso.com")
        world.group("editors", "new")
        world.team("70", "Editors")
        world.bind("group:editors", "70")
        if cannot:
            world.app(profile={"cannot": {"renameUser": "names stay"}})
        plan = world.plan()
        assert (("createUser", "user:new", "nameTaken") in read.blocked(plan)) is cannot
        assert (("createUser", "user:new") in read.runs(plan)) is not cannot
        assert bool(read.members(plan)) is not cannot

    def test_a_deleted_account_frees_its_name_even_when_leavers_go_last(
        self, world: Any, read: Any, by_number: Any
    ) -> None:
        by_number("new", None, "gone")
        world.account("9", "gone", externalId="gone")
        world.bind("user:gone", "9")
        for n in range(10):
            by_number(f"p{n}", f"p{n}", f"p{n}")
        world.app(order="leaversLast", deprovision={"users": "delete"})
        proposal = world.propose()
        assert read.runs(proposal.plan) == [("createUser", "user:new"), ("deleteUser", "user:gone")]
        assert dependencies(proposal.plan.changes, given_up(proposal.context)) == {0: {1}}

    def test_a_deactivated_account_keeps_its_name(self, world: Any, read: Any, by_number: Any) -> None:
        by_number("new", None, "gone")
        world.account("9", "gone", externalId="gone")
        world.bind("user:gone", "9")
        for n in range(10):
            by_number(f"p{n}", f"p{n}", f"p{n}")
        plan = world.plan()
        assert read.runs(plan) == [("deactivateUser", "user:gone")]
        assert read.blocked(plan) == [("createUser", "user:new", "nameTaken")]

    def test_another_case_of_the_same_name_is_nobody_elses(self, world: Any, read: Any) -> None:
        world.map({"target": "externalId", "source": "employeeId", "matching": 1},
                  {"target": "userName", "source": "userPrincipalName"})  # fmt: skip
        world.user("ada", employeeId="ada")
        world.account("1", "ADA", externalId="ada")
        world.bind("user:ada", "1")
        assert not world.plan().blocked

    def test_names_and_addresses_that_move_between_different_people(self, world: Any, by_number: Any) -> None:
        """a takes b's userName, b takes c's, and c takes a's address: no circle of names, and one of people."""
        world.map({"target": "externalId", "source": "employeeId", "matching": 1},
                  {"target": "userName", "source": "userPrincipalName"},
                  {"target": MAIL, "source": "mail"})  # fmt: skip
        for name, wants, mail in (("a", "b", "c"), ("b", "c", "b"), ("c", "z", "a")):
            by_number(name, name, wants)
            world.user(name, employeeId=name, userPrincipalName=f"{wants}@contoso.com", mail=f"{mail}@contoso.com")
        plan = world.plan()
        assert not plan.blocked
        assert len([c for c in plan.changes if getattr(c, "temporary", False)]) == 1
        of = {f"id-{n}": f"{n}@contoso.com" for n in "abc"}
        assert played(plan, of) == {"id-a": "b@contoso.com", "id-b": "c@contoso.com", "id-c": "z@contoso.com"}
        assert played(plan, of, MAIL) == {"id-a": "c@contoso.com", "id-b": "b@contoso.com", "id-c": "a@contoso.com"}


class TestTemporaryNames:
    def swap(self, world: Any) -> None:
        world.ours("1", "a", userName="b@contoso.com")
        world.ours("2", "b", userName="a@contoso.com")

    def test_nobody_has_or_wants_one(self, world: Any) -> None:
        self.swap(world)
        first = world.plan().changes[0].set["userName"].after
        world.account("9", "x", userName=first.upper())
        second = world.plan().changes[0].set["userName"].after
        world.user("eve", userPrincipalName=second)
        third = world.plan()
        (aside,) = [c for c in third.changes if getattr(c, "temporary", False)]
        assert len({first, second, aside.set["userName"].after}) == 3

    @pytest.mark.parametrize("name", ["ada@contoso.com", "ada", "x" * 64 + "@contoso.com", "Red Team", "é" * 90])
    @pytest.mark.parametrize("longest", [None, 40])
    def test_have_the_domain_and_the_length_of_the_old_one(self, name: str, longest: int | None) -> None:
        found = temporary_name("user:ada", name, set(), longest)
        assert (found is None) == (longest is not None and len(name.partition("@")[2]) + 19 > longest)
        if found is not None:
            assert found.rpartition("@")[2] == name.rpartition("@")[2] or "@" not in name
            assert len(found.partition("@")[0]) <= max(64, len(name))
            assert longest is None or len(found) <= longest
            assert left_behind(found) is not None

    def test_without_room_for_one_nobody_goes_aside(self, world: Any, read: Any) -> None:
        self.swap(world)
        world.app(profile={"lengths": {"users.userName": [1, 20]}})
        assert [b[1:] for b in read.blocked(world.plan())] == [("user:a", "nameTaken"), ("user:b", "nameTaken")]

    def test_whatever_holds_one_holds_them_all(self, world: Any, read: Any) -> None:
        """renameUsers counts each person once."""
        self.swap(world)
        world.app(guardrails={"renameUsers": {"count": 1}})
        plan = world.plan()
        assert read.rail(plan, "renameUsers").value == 2
        assert {h for *_, h in read.held(plan)} == {"renameUsers=2"}
        assert len(plan.held) == 3
        assert not plan.pending
        assert len(world.plan("renameUsers=2").pending) == 3

    def test_somebody_taken_away_in_the_application_holds_the_whole_exchange(self, world: Any, read: Any) -> None:
        self.swap(world)
        world.accounts["2"]["active"] = False
        plan = world.plan()
        assert {h for *_, h in read.held(plan)} == {"takenAwayInApp:user:b"}
        assert not plan.pending
        assert plan.changes[0].key != "user:b" or not getattr(plan.changes[0], "temporary", False)

    def test_an_exchange_waits_for_whatever_anybody_in_it_waits_for(self, world: Any) -> None:
        world.map({"target": "externalId", "source": "employeeId", "matching": 1},
                  {"target": "userName", "source": "userPrincipalName"},
                  {"target": MAIL, "source": "mail"})  # fmt: skip
        for name, wants, mail in (("a", "b", "a"), ("b", "a", "z"), ("z", "z", "y")):
            world.user(name, employeeId=name, userPrincipalName=f"{wants}@contoso.com", mail=f"{mail}@contoso.com")
            world.account(f"id-{name}", name, externalId=name)
            world.bind(f"user:{name}", f"id-{name}")
        plan = world.plan()
        keys = [(c.key, getattr(c, "temporary", False)) for c in plan.changes]
        needs = dependencies(plan.changes)
        assert keys[0] == ("user:a", True)
        assert needs[0] == {keys.index(("user:z", False))}


class TestLeftBehind:
    """An exchange broke off, and the memory is lost: nobody gets another's account."""

    def half_done(self, world: Any, names: str, **account: Any) -> None:
        """The first of `names` has the temporary one; each wants the next one's."""
        for at, name in enumerate(names):
            wants = names[(at + 1) % len(names)]
            world.user(name, userPrincipalName=f"{wants}@contoso.com", givenName="Anna", surname="Berg")
            held = f"{name}@contoso.com"
            if at == 0:
                held = str(temporary_name(f"user:{name}", held, ()))
            world.account(f"id-{name}", name, userName=held, **{"given": "Anna", "surname": "Berg", **account})

    @pytest.mark.parametrize("account", [{}, {"given": None, "surname": None}])
    def test_both_of_two_are_asked_about(self, world: Any, read: Any, account: Any) -> None:
        self.half_done(world, "ab", **account)
        plan = world.plan()
        assert [k for _, k, _ in read.held(plan)] == ["user:a", "user:b"]
        assert not plan.pending
        assert {c.id for c in read.change(plan, "user:a").candidates} == {"id-a", "id-b"}
        assert {c.id for c in read.change(plan, "user:b").candidates} == {"id-a"}
        assert all("broke off" in n.text for n in plan.notes if n.code == "heldCandidate")

    def test_pins_answer_it_and_the_names_go_on(self, world: Any, read: Any) -> None:
        self.half_done(world, "ab")
        world.user("a", userPrincipalName="b@contoso.com", accounts={"chat": "id-a"})
        assert [k for _, k, _ in read.held(world.plan())] == ["user:b"]
        assert not world.plan().pending
        world.user("b", userPrincipalName="a@contoso.com", accounts={"chat": "id-b"})
        plan = world.plan()
        assert {c.key: c.id for c in plan.pending} == {"user:a": "id-a", "user:b": "id-b"}
        assert not plan.held

    def test_a_release_never_chooses_between_two(self, world: Any, read: Any) -> None:
        self.half_done(world, "ab")
        plan = world.plan("whoIsThis:user:a")
        assert [k for _, k, _ in read.held(plan)] == ["user:a", "user:b"]

    def test_meanwhile_a_name_alone_is_no_proof(self, world: Any, read: Any) -> None:
        self.half_done(world, "abc", given=None, surname=None)
        plan = world.plan()
        assert [k for _, k, _ in read.held(plan)] == ["user:a", "user:b", "user:c"]

    def test_whoever_is_plainly_somebody_does_not_wait(self, world: Any, read: Any) -> None:
        self.half_done(world, "ab")
        world.user("eve")
        world.account("9", "eve")
        plan = world.plan()
        assert ("adopted", "user:eve") in read.notes(plan)

    def test_with_a_memory_it_just_goes_on(self, world: Any, read: Any) -> None:
        self.half_done(world, "ab")
        world.bind("user:a", "id-a")
        world.bind("user:b", "id-b")
        plan = world.plan()
        assert [(c.key, c.id) for c in plan.pending] == [("user:a", "id-a"), ("user:b", "id-b")]
        assert dependencies(plan.changes) == {0: {1}}

    def test_groups_too(self, world: Any, read: Any) -> None:
        for name, wants in (("red", "Blue"), ("blue", "Red"), ("green", "Green")):
            world.group(name, displayName=wants)
        world.team("1", temporary_name("group:red", "Red", ()))
        world.team("2", "Blue")
        world.team("3", "Green")
        plan = world.plan()
        assert sorted(k for _, k, _ in read.held(plan)) == ["group:blue", "group:green", "group:red"]
        assert not plan.pending


class TestGroups:
    def test_groups_that_swap_their_names(self, world: Any, read: Any) -> None:
        world.group("red")
        world.group("blue")
        world.team("1", "Blue")
        world.team("2", "Red")
        world.bind("group:red", "1")
        world.bind("group:blue", "2")
        plan = world.plan()
        assert [(c.key, c.temporary) for c in plan.changes] == [
            ("group:blue", True), ("group:blue", False), ("group:red", False)
        ]  # fmt: skip
        assert played(plan, {"1": "Blue", "2": "Red"}, "displayName") == {"1": "Red", "2": "Blue"}
        world.app(profile={"cannot": {"renameGroup": "names stay"}})
        assert world.plan().empty

"""Names that move between people in every way: whoever had an account has the same one afterwards."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.errors import ReconcilerError
from reconciler.sandbox import ACTS_AS, Sandbox

if TYPE_CHECKING:
    from tests.conftest import SandboxStory
    from tests.properties.conftest import Cut, Cutting

PEOPLE = ["ada", "bob", "cyd", "dee", "eli", "fay"]
TEAMS = ["red", "green", "blue", "grey"]
CUTS: list[Cut] = ["unreachable", "lostThenDown", "answerLost", "requestLost", "killedBefore", "killedAfter"]
FREE = ["uma", "vic"]
NAMES = {id_: id_ for id_ in [*PEOPLE, *FREE]}
bounded = settings(
    max_examples=60, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


def moves(of: list[str], free: list[str]) -> st.SearchStrategy[dict[str, str]]:
    """Who has whose name from now on; nobody's is two people's."""
    return st.permutations([*of, *free]).map(lambda names: dict(zip(of, names, strict=False)))


@st.composite
def days(draw: st.DrawFn) -> dict[str, Any]:
    people = PEOPLE[: draw(st.integers(2, 6))]
    teams = TEAMS[: draw(st.integers(1, 4))]
    return {
        "names": draw(moves(people, FREE)),
        "mails": draw(st.none() | moves(people, FREE)),
        "teams": draw(moves(teams, ["black"])),
        "case": draw(st.sets(st.sampled_from(people))),
        "forgotten": draw(st.sets(st.sampled_from([*people, *teams]))),
        "formerly": draw(st.sets(st.sampled_from(people))),
        "leaver": draw(st.none() | st.sampled_from(people)) if len(people) > 3 else None,
        "gone": draw(st.none() | st.sampled_from(teams)) if len(teams) > 2 else None,
        "order": draw(st.sampled_from(["leaversFirst", "leaversLast"])),
        "deprovision": draw(st.sampled_from(["deactivate", "delete"])),
    }


@pytest.fixture
def fresh(story_of: Callable[..., SandboxStory], tmp_path: Path) -> Callable[[str], Any]:
    @contextmanager
    def make(gallery: str) -> Iterator[SandboxStory]:
        folder = tempfile.mkdtemp(dir=tmp_path)
        try:
            yield story_of(gallery, Sandbox(gallery, rate=0), folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return make


def settle(story: SandboxStory, day: dict[str, Any]) -> dict[str, str]:
    """Everybody has the account and the group that is called like them. Key → id: whose is whose, from then on."""
    for part in ("users", "groups"):
        shutil.rmtree(story.company.root / part)
    for id_ in day["names"]:
        story.company.person(id_, id_.title(), f"{id_.title()}son")
    for id_ in day["teams"]:
        story.company.group(id_, id_.title(), sorted(day["names"])[:2])
    rails = ["renameUsers", "deprovisionUsers", "updateUsers", "removeMembers", "deleteGroups"]
    story.company.edit_app(
        guardrails={"actsAs": ACTS_AS, **{rail: {"count": 100} for rail in rails}},
        order=day["order"],
        deprovision={"users": day["deprovision"], "groups": "delete" if day["deprovision"] == "delete" else "empty"},
    )
    story.converge()
    sandbox = story.sandbox
    return {
        **{f"user:{id_}": sandbox.user_id(f"{id_}@contoso.com") for id_ in day["names"]},
        **{f"group:{id_}": sandbox.group_id(id_.title()) for id_ in day["teams"]},
    }


def forget(story: SandboxStory, names: set[str]) -> None:
    document = story.company.state
    for key in [k for k in document["bindings"] if k.partition(":")[2] in names]:
        del document["bindings"][key]
    story.company.state_file.write_bytes(orjson.dumps(document))


def move(story: SandboxStory, day: dict[str, Any]) -> None:
    """The next day in git."""
    for id_, name in day["names"].items():
        address = f"{name.upper() if id_ in day['case'] else name}@contoso.com"
        mails = day["mails"] or day["names"]
        story.company.edit_person(id_, userPrincipalName=address, mail=f"{mails[id_]}@contoso.com")
        if id_ in day["formerly"]:
            story.company.edit_person(id_, formerly=[{"userPrincipalName": f"{id_}@contoso.com"}])
    for id_, name in day["teams"].items():
        story.company.edit_group(id_, displayName=name.title())
    if day["leaver"]:
        story.company.remove_person(day["leaver"])
    if day["gone"]:
        story.company.remove_group(day["gone"])


def nobody_has_anothers(story: SandboxStory, owned: dict[str, str], forgotten: set[str]) -> None:
    """Whoever is bound has the own account, or one that was nobody's before. (A group that nobody remembers is whatever
    is called like it: there is nothing else to tell it by.)
    """
    bindings = story.company.state["bindings"]
    for key, binding in bindings.items():
        if key.startswith("group:") and key.partition(":")[2] in forgotten:
            remembered = {id_ for k, id_ in owned.items() if k.partition(":")[2] not in forgotten}
            assert binding["id"] not in remembered
        elif key in owned:
            assert binding["id"] == owned[key] or binding["id"] not in owned.values(), (key, binding, owned)
        else:
            assert binding["id"] not in owned.values()


@pytest.mark.parametrize("gallery", ["hootsuite", "scim"])
@bounded
@given(day=days())
def test_any_names_to_anybody(fresh: Callable[[str], Any], gallery: str, day: dict[str, Any]) -> None:
    with fresh(gallery) as story:
        owned = settle(story, day)
        forget(story, day["forgotten"])
        move(story, day)
        first = story.apply()
        assert first.code in (0, 3), [(s.change.action, s.change.key, s.status, s.message) for s in first.outcome.steps]
        after = story.plan()
        assert not after.pending, [(c.action, c.key, c.reasons) for c in after.pending]
        assert {(c.action, c.key) for c in after.held} <= {(c.action, c.key) for c in first.plan.held}
        nobody_has_anothers(story, owned, day["forgotten"])
        blocked = {b.key for b in after.blocked} | {c.key for c in after.held}
        users, groups = story.sandbox.users, story.sandbox.groups
        assert not [u for u in users.values() if "renaming" in str(u)]
        assert not [g for g in groups.values() if "renaming" in str(g)]
        for id_, name in day["names"].items():
            key = f"user:{id_}"
            if id_ not in day["forgotten"] and id_ != day["leaver"] and key not in blocked:
                assert users[owned[key]]["userName"].lower() == f"{name}@contoso.com"
        for id_, name in day["teams"].items():
            if id_ not in day["forgotten"] and id_ != day["gone"] and f"group:{id_}" not in blocked:
                assert groups[owned[f"group:{id_}"]]["displayName"] == name.title()
        if not day["forgotten"]:
            assert first.code == 0
            assert all(b.reason == "nameTaken" for b in after.blocked)


@pytest.mark.parametrize("length", [2, 3])
@pytest.mark.parametrize("cut", CUTS)
def test_cut_at_any_request_and_run_again(
    story_of: Callable[..., SandboxStory],
    cutting: Callable[[httpx.AsyncBaseTransport], Cutting],
    killed: type[BaseException],
    cut: Cut,
    length: int,
) -> None:
    """Everybody has the same account and the new name, whatever the first run came to."""
    day: dict[str, Any] = {
        "names": {id_: PEOPLE[(n + 1) % length] for n, id_ in enumerate(PEOPLE[:length])},
        "teams": {"red": "blue", "blue": "red"}, "mails": None, "case": set(), "formerly": set(), "leaver": None,
        "gone": None, "order": "leaversFirst", "deprovision": "deactivate",
    }  # fmt: skip
    story = story_of("scim", Sandbox("scim", rate=0), f"{cut}{length}")
    owned = settle(story, day)
    move(story, day)
    inner, begin = story.transport, story.company.state_file.read_bytes()
    at = 0
    while True:
        at += 1
        transport = cutting(inner)
        transport.arm(cut, at)
        story.transport, story.alive = transport, lambda one=transport: one.alive  # type: ignore[misc]
        with contextlib.suppress(ReconcilerError, killed):
            story.apply()
        reached, story.transport, story.alive = transport.count >= at, inner, lambda: True
        story.converge()
        for id_, name in day["names"].items():
            assert story.sandbox.users[owned[f"user:{id_}"]]["userName"] == f"{name}@contoso.com"
        for id_, name in day["teams"].items():
            assert story.sandbox.groups[owned[f"group:{id_}"]]["displayName"] == name.title()
        assert len(story.sandbox.users) == length + 1
        if not reached:
            return
        story.company.state_file.write_bytes(begin)
        for id_ in day["names"]:
            address = f"{id_}@contoso.com"
            mail = {"value": address, "type": "work", "primary": True}
            story.sandbox.edit_user(owned[f"user:{id_}"], userName=address, emails=[mail])
        for id_ in day["teams"]:
            story.sandbox.edit_group(owned[f"group:{id_}"], displayName=id_.title())

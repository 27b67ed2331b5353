"""Groups that exchange their names: whoever was in a group is in the same one afterwards, whatever it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox, running
from tests.integration.test_exchange import Refusing, killed

if TYPE_CHECKING:
    from tests.conftest import Called, Company, SandboxStory

    Reconciler = Callable[..., Called]

RINGS = [("social-media", "research"), ("social-media", "research", "agencies")]
NAMES = {"social-media": "Social Media", "research": "Research", "agencies": "Agencies"}


def rotate(company: Company, *ring: str) -> None:
    """Each gets the name of the next."""
    for each, other in zip(ring, [*ring[1:], ring[0]], strict=True):
        company.edit_group(each, displayName=NAMES[other])


def teams(sandbox: Sandbox) -> dict[str, tuple[str, frozenset[str]]]:
    """Id → name and members."""
    return {id_: (g["displayName"], frozenset(sandbox.members(id_))) for id_, g in sandbox.groups.items()}


def rotated(before: dict[str, tuple[str, frozenset[str]]], *ring: str) -> dict[str, tuple[str, frozenset[str]]]:
    """The same groups, with the same members, under the next one's name."""
    names = {NAMES[each]: NAMES[other] for each, other in zip(ring, [*ring[1:], ring[0]], strict=True)}
    return {id_: (names.get(name, name), members) for id_, (name, members) in before.items()}


def newest(site: Company) -> Path:
    return max((site.root / ".reconciler" / "journals").glob("*.jsonl"))


class TestOnTheCommandLine:
    @pytest.fixture(params=["scim", "hootsuite"])
    def sandbox(self, request: pytest.FixtureRequest) -> Sandbox:
        return Sandbox(request.param, rate=0)

    @pytest.fixture
    def site(self, sandbox: Sandbox, company: Callable[..., Company], reconciler: Reconciler) -> Iterator[Company]:
        with running(sandbox) as url:
            site = company(gallery=sandbox.habits.name, tenant=url)
            assert reconciler("apply", site.root, "--yes").code == 0
            yield site

    @pytest.mark.parametrize("ring", RINGS)
    def test_what_was_approved_is_done_undone_and_done_again(
        self, site: Company, sandbox: Sandbox, reconciler: Reconciler, tmp_path: Path, ring: tuple[str, ...]
    ) -> None:
        before, plan = teams(sandbox), tmp_path / "plan.json"
        rotate(site, *ring)
        assert reconciler("plan", site.root, "--out", plan).code == 0
        assert reconciler("apply", site.root, "--yes", "--plan", plan, "--atomic").code == 0
        assert teams(sandbox) == rotated(before, *ring)
        journal = newest(site)
        assert reconciler("apply", site.root, "--yes", "--plan", plan).code == 0, "an old plan is harmless"
        assert teams(sandbox) == rotated(before, *ring)
        undone = reconciler("undo", journal, site.root, "--yes")
        assert undone.code == 0, undone.out + undone.err
        assert teams(sandbox) == before
        assert "moved since" not in undone.out
        assert reconciler("undo", newest(site), site.root, "--yes").code == 0
        assert reconciler("plan", site.root, "--detailed-exitcode").code == 0, "an undo is undone"
        assert teams(sandbox) == rotated(before, *ring)

    @pytest.mark.parametrize("ring", RINGS)
    def test_all_of_it_or_nothing(
        self, site: Company, sandbox: Sandbox, reconciler: Reconciler, tmp_path: Path, ring: tuple[str, ...]
    ) -> None:
        """One of them was renamed in the application since the plan was approved."""
        before, plan = teams(sandbox), tmp_path / "plan.json"
        rotate(site, *ring)
        site.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
        assert reconciler("plan", site.root, "--out", plan).code == 0
        moved = sandbox.group_id("Research")
        sandbox.edit_group(moved, displayName="Something Else")
        called = reconciler("apply", site.root, "--yes", "--plan", plan)
        assert called.code == 5
        assert teams(sandbox) == {**before, moved: ("Something Else", before[moved][1])}
        assert sandbox.users[sandbox.user_id("grace@contoso.com")]["displayName"] == "Rear Admiral Hopper"
        assert reconciler("apply", site.root, "--yes").code == 0
        assert teams(sandbox) == rotated(before, *ring)

    def test_undo_leaves_the_name_that_moved_since(
        self, site: Company, sandbox: Sandbox, reconciler: Reconciler
    ) -> None:
        before = teams(sandbox)
        rotate(site, *RINGS[0])
        assert reconciler("apply", site.root, "--yes").code == 0
        moved = sandbox.group_id("Research")
        sandbox.edit_group(moved, displayName="Something Else")
        called = reconciler("undo", newest(site), site.root, "--yes")
        assert called.code == 0, called.out + called.err
        assert "moved since, and left alone" in called.out
        assert teams(sandbox) == {**before, moved: ("Something Else", before[moved][1])}

    def test_only_one_of_them_takes_all(self, site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
        before = teams(sandbox)
        rotate(site, *RINGS[1])
        assert reconciler("apply", site.root, "--yes", "--only", "group:research").code == 0
        assert teams(sandbox) == rotated(before, *RINGS[1])

    def test_what_is_protected_keeps_its_name_and_so_do_the_others(
        self, site: Company, sandbox: Sandbox, reconciler: Reconciler
    ) -> None:
        before = teams(sandbox)
        rotate(site, *RINGS[1])
        site.edit_app(guardrails={"protected": {"groups": ["research"]}})
        called = reconciler("apply", site.root, "--yes")
        assert called.code == 0
        assert "group research" in called.out
        assert teams(sandbox) == before
        assert reconciler("apply", site.root, "--yes", "--allow", "protected:group:research").code == 0
        assert teams(sandbox) == rotated(before, *RINGS[1])


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("failing", range(3))
def test_when_one_fails_everybody_has_the_old_name_again(
    story: SandboxStory, ring: tuple[str, ...], failing: int
) -> None:
    story.converge()
    before = teams(story.sandbox)
    rotate(story.company, *ring)
    victim = story.sandbox.group_id(NAMES[ring[failing % len(ring)]])
    final = NAMES[ring[(failing + 1) % len(ring)]].encode()
    Refusing(story, lambda _n, path, body: path.endswith(victim) and final in body)
    applied = story.apply()
    assert applied.code == 4
    assert teams(story.sandbox) == before
    Refusing(story, lambda *_: False)
    story.converge()
    assert teams(story.sandbox) == rotated(before, *ring)


@pytest.mark.parametrize("ring", RINGS)
@pytest.mark.parametrize("remembered", [True, False])
def test_killed_at_any_write_nobody_is_in_anothers_group(
    story_of: Callable[..., SandboxStory], ring: tuple[str, ...], remembered: bool
) -> None:
    """And if the memory is lost too, whatever is in doubt is a question, and nobody joins or leaves by it."""
    for kill in range(1, len(ring) + 2):
        story = story_of("scim", Sandbox("scim", rate=0), f"{kill}")
        story.company.edit_app(guardrails={"removeMembers": {"ignoreBelow": 50}})
        story.converge()
        before = teams(story.sandbox)
        rotate(story.company, *ring)
        killed(story, kill)
        if remembered:
            story.converge()
            assert teams(story.sandbox) == rotated(before, *ring), kill
            continue
        story.company.state_file.unlink()
        if any("renaming" in name for name, _ in teams(story.sandbox).values()):
            asked = story.apply()
            assert asked.code == 3
            assert {i: m for i, (_, m) in teams(story.sandbox).items()} == {i: m for i, (_, m) in before.items()}
            for id_, (name, _) in before.items():
                (each,) = [group for group, called in NAMES.items() if called == name]
                story.company.edit_group(each, accounts={"app": id_})
            story.converge()
            assert teams(story.sandbox) == rotated(before, *ring), kill
        else:  # nothing but a name tells groups apart, and none was written
            story.converge()
            assert {*teams(story.sandbox).values()} == {*rotated(before, *ring).values()}, kill

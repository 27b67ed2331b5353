"""What is applied is what was reviewed: the clean tree, the branch, the broken glass; and releases that were merged."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from reconciler.cli import applying
from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


@pytest.fixture
def site(sandbox: Sandbox, company: Callable[..., Company]) -> Iterator[Company]:
    """The company in a repository of its own, everything committed."""
    with running(sandbox) as url:
        site = company(gallery="scim", tenant=url)
        git(site, "init", "--quiet", "--initial-branch=main")
        commit(site, "begin")
        yield site


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tenant counts as somewhere else."""
    monkeypatch.setattr(applying, "is_here", lambda _app: False)


def git(site: Company, *arguments: str) -> str:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@contoso.com", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(site.root), *who, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(site: Company, message: str) -> str:
    git(site, "add", "--all")
    git(site, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(site, "rev-parse", "HEAD")


def unchanged(sandbox: Sandbox) -> bool:
    return all(r.method == "GET" for r in sandbox.requests)


@pytest.mark.usefixtures("away")
def test_uncommitted_changes_are_refused_before_anything_is_read(
    site: Company, sandbox: Sandbox, reconciler: Reconciler
) -> None:
    site.person("eve", "Eve", "Evans")
    called = reconciler("apply", site.root, "--yes")
    assert called.code == 1
    assert "uncommitted changes: users/eve.yaml" in called.err
    assert not sandbox.requests
    assert reconciler("plan", site.root).code == 0, "a plan may be made of anything"
    commit(site, "eve")
    assert reconciler("apply", site.root, "--yes", "--branch", "main").code == 0


@pytest.mark.usefixtures("away")
def test_another_branch_is_refused(site: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    git(site, "switch", "--quiet", "--create", "feature")
    called = reconciler("apply", site.root, "--yes", "--branch", "main")
    assert called.code == 1
    assert "on the branch feature, and --branch says main" in called.err
    assert unchanged(sandbox)
    assert reconciler("apply", site.root, "--yes").code == 0


@pytest.mark.usefixtures("away")
def test_the_glass_can_be_broken_loudly(site: Company, reconciler: Reconciler) -> None:
    site.person("eve", "Eve", "Evans")
    called = reconciler("apply", site.root, "--yes", "--break-glass", "incident 42")
    assert called.code == 0
    assert "BREAKING THE GLASS: uncommitted changes: users/eve.yaml" in called.err
    assert "reason: incident 42" in called.err
    (begin,) = [line for line in site.journals() if line["event"] == "begin"]
    assert begin["breakGlass"] == "incident 42"
    assert "users/eve.yaml" in begin["notReviewed"]
    commit(site, "eve")
    assert "was not needed" in reconciler("apply", site.root, "--yes", "--break-glass", "again").err


def test_a_glass_without_a_reason(site: Company, reconciler: Reconciler) -> None:
    called = reconciler("apply", site.root, "--yes", "--break-glass", " ")
    assert called.code == 64
    assert "needs a reason" in called.err


def test_on_this_machine_nothing_has_to_be_committed(site: Company, reconciler: Reconciler) -> None:
    site.person("eve", "Eve", "Evans")
    assert reconciler("apply", site.root, "--yes", "--branch", "production").code == 0


# trailers


@pytest.fixture
def strict(site: Company, reconciler: Reconciler) -> Company:
    """Nobody may go without a release; everybody is there, and somebody should go."""
    site.edit_app(guardrails={"deprovisionUsers": {"count": 0, "ignoreBelow": 0}})
    commit(site, "strict")
    assert reconciler("apply", site.root, "--yes").code == 0
    site.edit_person("ada.lovelace", accountEnabled=False)
    commit(site, "ada leaves")
    return site


def active(sandbox: Sandbox, name: str) -> bool:
    return bool(sandbox.users[sandbox.user_id(f"{name}@contoso.com")]["active"])


def test_a_trailer_releases_what_the_plan_then_says_it_will_do(
    strict: Company, sandbox: Sandbox, reconciler: Reconciler
) -> None:
    assert reconciler("plan", strict.root, "--detailed-exitcode").code == 3
    commit(strict, "reviewed\n\nReconciler-Allow: deprovisionUsers=1")
    commit(strict, "something else")
    assert reconciler("plan", strict.root, "--detailed-exitcode").code == 2
    assert reconciler("drift", strict.root).code == 2
    assert reconciler("apply", strict.root, "--yes").code == 0
    assert not active(sandbox, "ada")


def test_a_figure_that_does_not_fit_releases_nothing(strict: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    commit(strict, "reviewed\n\nReconciler-Allow: deprovisionUsers=2")
    assert reconciler("apply", strict.root, "--yes").code == 3
    assert active(sandbox, "ada")
    assert strict.state["used"] == []


def test_a_trailer_works_once(strict: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
    """Also while its commit is not applied to the end: here because something else stays held."""
    strict.edit_app(guardrails={"deprovisionUsers": {"count": 0, "ignoreBelow": 0}, "renameUsers": {"count": 0}})
    strict.edit_person("grace.hopper", userPrincipalName="g@contoso.com", mail="g@contoso.com")
    release = commit(strict, "reviewed\n\nReconciler-Allow: deprovisionUsers=1")
    assert reconciler("apply", strict.root, "--yes").code == 3
    assert not active(sandbox, "ada")
    (used,) = strict.state["used"]
    assert (used["release"], used["commit"]) == ("deprovisionUsers=1", release)
    strict.edit_person("alan.turing", accountEnabled=False)
    commit(strict, "alan leaves")
    assert reconciler("apply", strict.root, "--yes").code == 3
    assert active(sandbox, "alan")


def test_a_trailer_that_was_used_is_not_good_again_in_a_rewritten_history(
    strict: Company, sandbox: Sandbox, reconciler: Reconciler
) -> None:
    used = commit(strict, "reviewed\n\nReconciler-Allow: deprovisionUsers=1")
    assert reconciler("apply", strict.root, "--yes").code == 0
    assert not active(sandbox, "ada")
    strict.edit_person("alan.turing", accountEnabled=False)
    git(strict, "commit", "--quiet", "--all", "--amend", "--no-edit")
    assert git(strict, "rev-parse", "HEAD") != used
    assert reconciler("apply", strict.root, "--yes").code == 3
    assert active(sandbox, "alan")


@pytest.mark.parametrize("figure", ["01", "１", "+1", "1.0"])
def test_a_figure_is_written_as_the_plan_prints_it(
    strict: Company, sandbox: Sandbox, reconciler: Reconciler, figure: str
) -> None:
    """Written otherwise it would not be known again once it was used."""
    commit(strict, f"reviewed\n\nReconciler-Allow: deprovisionUsers={figure}")
    assert reconciler("apply", strict.root, "--yes").code == 3
    assert active(sandbox, "ada")


def test_a_trailer_that_is_no_release_is_told(strict: Company, reconciler: Reconciler) -> None:
    made = commit(strict, "reviewed\n\nReconciler-Allow: deprovisonUsers=1")
    called = reconciler("plan", strict.root, "--format", "json")
    assert called.code == 0
    (note,) = [note for note in called.document["notes"] if note["code"] == "trailer"]
    assert made[:7] in note["text"]
    assert "deprovisonUsers=1" in note["text"]


def test_the_command_line_and_a_trailer_release_different_figures(
    strict: Company, sandbox: Sandbox, reconciler: Reconciler
) -> None:
    commit(strict, "reviewed\n\nReconciler-Allow: deprovisionUsers=7")
    assert reconciler("apply", strict.root, "--yes", "--allow", "deprovisionUsers=1").code == 0
    assert not active(sandbox, "ada")

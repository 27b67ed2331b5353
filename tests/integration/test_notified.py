"""`--notify` and `--break-glass`: who is told of what came of a command; a failing mail server changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox import Sandbox, running
from tests.service.notify.conftest import Mailbox, Start, mail_server

__all__ = ["mail_server"]

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


@pytest.fixture
def box(mail_server: Start) -> Mailbox:
    return mail_server()


@pytest.fixture
def site(sandbox: Sandbox, company: Callable[..., Company], box: Mailbox) -> Iterator[Company]:
    """A company whose app mails to `box`."""
    with running(sandbox) as url:
        site = company(gallery="scim", tenant=url)
        site.edit_app(notify=to(box))
        yield site


def to(box: Mailbox) -> dict[str, Any]:
    smtp = {"host": "127.0.0.1", "port": box.port}
    return {"email": {"from": "reconciler@contoso.com", "to": ["identity@contoso.com"], "smtp": smtp}}


def subjects(box: Mailbox) -> list[str]:
    return [mail["Subject"].removeprefix("[reconciler] ") for mail in box.mails]


def text(box: Mailbox) -> str:
    return str(next(box.mails[-1].iter_parts()).get_content())


def test_without_the_flag_nobody_is_told(site: Company, box: Mailbox, reconciler: Reconciler) -> None:
    assert reconciler("apply", site.root, "--yes").code == 0
    assert reconciler("drift", site.root).code == 0
    assert not box.mails


def test_when_all_is_well_nobody_is_told(site: Company, box: Mailbox, reconciler: Reconciler) -> None:
    assert reconciler("apply", site.root, "--yes", "--notify").code == 0
    assert reconciler("drift", site.root, "--notify").code == 0
    assert not box.mails


def test_what_was_taken_away_by_hand_is_told_with_its_answer(
    site: Company, sandbox: Sandbox, box: Mailbox, reconciler: Reconciler
) -> None:
    assert reconciler("apply", site.root, "--yes").code == 0
    sandbox.edit_user(sandbox.user_id("ada@contoso.com"), active=False)
    assert reconciler("drift", site.root, "--notify").code == 3
    assert subjects(box) == ["app: 1 change held, waiting for an answer"]
    assert "ada.lovelace" in text(box)
    assert "--allow takenAwayInApp:user:ada.lovelace" in text(box)
    assert reconciler("apply", site.root, "--yes", "--notify").code == 3
    assert len(box.mails) == 2, "without a history it is told each time"


def test_drift_says_what_is_not_as_git_says_and_no_values(
    site: Company, sandbox: Sandbox, box: Mailbox, reconciler: Reconciler
) -> None:
    assert reconciler("apply", site.root, "--yes").code == 0
    sandbox.edit_user(sandbox.user_id("grace@contoso.com"), displayName="Amazing <b>Grace</b>")
    called = reconciler("drift", site.root, "--notify")
    assert called.code == 2
    assert subjects(box) == ["app is not what git says: 1 change to make"]
    assert "grace.hopper" in text(box)
    assert "Amazing" not in box.mails[0].as_string()


def test_a_server_that_refuses_is_told(site: Company, box: Mailbox, reconciler: Reconciler) -> None:
    site.edit_app(tenantUrl=site.read("apps/app/app.yaml")["tenantUrl"].replace("/scim", "/nothing"))
    for command in (("apply", "--yes"), ("drift",)):
        called = reconciler(command[0], site.root, *command[1:], "--notify")
        assert called.code == 1
        assert subjects(box)[-1] == f"app: {command[0]} failed"


def test_a_mail_server_that_is_gone_is_said_and_changes_no_exit_code(
    site: Company, sandbox: Sandbox, reconciler: Reconciler
) -> None:
    assert reconciler("apply", site.root, "--yes").code == 0
    sandbox.edit_user(sandbox.user_id("ada@contoso.com"), active=False)
    site.edit_app(notify=to(Mailbox(port=1)))
    called = reconciler("drift", site.root, "--notify", "--format", "json")
    assert called.code == 3
    assert called.document["app"] == "app"
    assert "app: held not delivered by email: the mail server 127.0.0.1 refused the connection" in called.err


def test_in_ci_the_mail_server_is_on_the_list(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reconciler("apply", site.root, "--yes").code == 0
    sandbox.edit_user(sandbox.user_id("ada@contoso.com"), active=False)
    site.edit_app(
        notify={"email": {"from": "a@contoso.com", "to": ["b@contoso.com"], "smtp": {"host": "smtp.evil.example"}}}
    )
    monkeypatch.setenv("CI", "true")
    called = reconciler("drift", site.root, "--notify", "--allow-env", "SCIM_TEST_TOKEN")
    assert called.code == 3
    assert "host smtp.evil.example is not on the list" in called.err


def test_nobody_to_tell(site: Company, reconciler: Reconciler) -> None:
    app = site.read("apps/app/app.yaml")
    del app["notify"]
    site.write("apps/app/app.yaml", app)
    for command in (("apply", "--yes"), ("drift",)):
        called = reconciler(command[0], site.root, *command[1:], "--notify")
        assert called.code == 64
        assert "no app says whom to tell" in called.err


def test_breaking_the_glass_is_told_unasked_and_again(
    site: Company, sandbox: Sandbox, box: Mailbox, reconciler: Reconciler
) -> None:
    reason = "incident 42 <script>"
    for _ in range(2):
        assert reconciler("apply", site.root, "--yes", "--break-glass", reason).code == 0
    assert subjects(box) == ["app: somebody breaks the glass"] * 2
    assert reason in text(box)
    assert "<script>" not in list(box.mails[0].iter_parts())[1].get_content()


def test_a_glass_is_broken_also_when_nobody_can_be_told(site: Company, reconciler: Reconciler) -> None:
    site.edit_app(notify=to(Mailbox(port=1)))
    called = reconciler("apply", site.root, "--yes", "--break-glass", "incident 42")
    assert called.code == 0
    assert "breakGlass not delivered by email" in called.err


def test_with_a_history_it_is_told_once(
    site: Company, sandbox: Sandbox, box: Mailbox, reconciler: Reconciler, tmp_path: Path
) -> None:
    history = f"sqlite:///{tmp_path / 'history.db'}"
    assert reconciler("apply", site.root, "--yes").code == 0
    sandbox.edit_user(sandbox.user_id("ada@contoso.com"), active=False)
    for command in (("drift",), ("drift",), ("apply", "--yes")):
        called = reconciler(command[0], site.root, *command[1:], "--notify", "--history", history)
        assert called.code == 3
    assert subjects(box) == ["app: 1 change held, waiting for an answer"]

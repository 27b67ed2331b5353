"""`apply --plan`: only what was approved happens, and only while it still fits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from reconciler.plan import read_plans, signed, to_json
from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


@pytest.fixture
def approve(site: Company, reconciler: Reconciler, tmp_path: Path) -> Callable[..., Path]:
    """approve(): the plan of now, kept in a file."""
    count = iter(range(100))

    def keep(*options: object) -> Path:
        called = reconciler("plan", site.root, "--format", "json", *options)
        assert called.code == 0, called.err
        file = tmp_path / f"plan{next(count)}.json"
        file.write_text(called.out, encoding="utf-8")
        return file

    return keep


def writes(sandbox: Sandbox) -> int:
    return sum(r.method != "GET" for r in sandbox.requests)


def test_what_was_approved_is_done_and_the_commit_counts_as_applied(
    site: Company, reconciler: Reconciler, approve: Callable[..., Path]
) -> None:
    called = reconciler("apply", site.root, "--yes", "--plan", approve())
    assert called.code == 0, called.out + called.err
    assert site.state["appliedAt"] is not None
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 0


def test_what_is_new_is_left_for_the_next_time(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, approve: Callable[..., Path]
) -> None:
    plan = approve()
    site.person("emmy.noether", "Emmy", "Noether")
    called = reconciler("apply", site.root, "--yes", "--plan", plan)
    assert called.code == 0
    assert "NEW, LEFT FOR THE NEXT TIME" in called.out
    assert "emmy.noether" in called.out
    assert "emmy@contoso.com" not in {user["userName"] for user in sandbox.users.values()}
    assert site.state["appliedAt"] is None, "there is a remainder"
    assert "user:emmy.noether" not in site.state["bindings"]
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 2


def test_what_moved_is_told_and_not_done_and_the_rest_is(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, approve: Callable[..., Path]
) -> None:
    assert reconciler("apply", site.root, "--yes").code == 0
    site.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    site.edit_person("ada.lovelace", displayName="Countess Lovelace")
    plan = approve()
    sandbox.edit_user(sandbox.user_id("grace@contoso.com"), displayName="Somebody Else")
    called = reconciler("apply", site.root, "--yes", "--plan", plan, "--format", "json")
    assert called.code == 5
    assert called.document["exitCode"] == 5
    (moved,) = called.document["approved"]["moved"]
    assert moved["key"] == "user:grace.hopper"
    assert '"Somebody Else"' in moved["what"][0]
    assert sandbox.users[sandbox.user_id("grace@contoso.com")]["displayName"] == "Somebody Else"
    assert sandbox.users[sandbox.user_id("ada@contoso.com")]["displayName"] == "Countess Lovelace"
    text = reconciler("apply", site.root, "--yes", "--plan", plan)
    assert text.code == 5
    assert "APPROVED, AND NO LONGER FITS: NOT DONE" in text.out
    assert "APPROVED, AND NO LONGER NEEDED" in text.out


def test_atomic_writes_nothing_if_something_moved(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, approve: Callable[..., Path]
) -> None:
    assert reconciler("apply", site.root, "--yes").code == 0
    site.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    site.edit_person("ada.lovelace", displayName="Countess Lovelace")
    plan = approve()
    sandbox.edit_user(sandbox.user_id("grace@contoso.com"), displayName="Somebody Else")
    state, before, journals = site.state, writes(sandbox), site.journals()
    called = reconciler("apply", site.root, "--yes", "--plan", plan, "--atomic")
    assert called.code == 5
    assert f"nothing was written to {site.state['app']}" in called.err
    assert (site.state, writes(sandbox), site.journals()) == (state, before, journals)
    sandbox.edit_user(sandbox.user_id("grace@contoso.com"), displayName="Grace Hopper")
    assert reconciler("apply", site.root, "--yes", "--plan", plan, "--atomic").code == 0


def test_replaying_an_old_plan_is_harmless(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, approve: Callable[..., Path]
) -> None:
    """A joiner's plan, replayed after she left, and a leaver's plan, replayed after he came back."""
    joined = approve()
    assert reconciler("apply", site.root, "--yes", "--plan", joined).code == 0
    site.edit_person("ada.lovelace", accountEnabled=False)
    left = approve()
    assert reconciler("apply", site.root, "--yes", "--plan", left).code == 0
    before, writing = sandbox.users[sandbox.user_id("ada@contoso.com")], writes(sandbox)
    for old in (joined, left):
        assert reconciler("apply", site.root, "--yes", "--plan", old).code == 0
    assert sandbox.users[sandbox.user_id("ada@contoso.com")] == before
    site.edit_person("ada.lovelace", accountEnabled=True)
    again = reconciler("apply", site.root, "--yes", "--plan", left)
    assert not sandbox.users[sandbox.user_id("ada@contoso.com")]["active"]
    assert again.code == 5, "she is to be given back, and the plan says the opposite"
    assert writes(sandbox) == writing


def test_a_release_counts_today(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, approve: Callable[..., Path]
) -> None:
    site.edit_app(guardrails={"deprovisionUsers": {"count": 0, "ignoreBelow": 0}})
    assert reconciler("apply", site.root, "--yes").code == 0
    site.edit_person("ada.lovelace", accountEnabled=False)
    plan = approve()
    held = reconciler("apply", site.root, "--yes", "--plan", plan)
    assert held.code == 3
    assert sandbox.users[sandbox.user_id("ada@contoso.com")]["active"]
    assert reconciler("apply", site.root, "--yes", "--plan", plan, "--allow", "deprovisionUsers=1").code == 0
    assert not sandbox.users[sandbox.user_id("ada@contoso.com")]["active"]


def test_an_interrupted_run_goes_on_with_the_same_plan(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, approve: Callable[..., Path]
) -> None:
    """Creations that were done are no longer needed; memberships of accounts that had no id then still count."""
    plan = approve()
    kept = site.read("apps/app/app.yaml")
    site.edit_app(scope={"assigned": {"users": ["ada.lovelace", "grace.hopper"]}})
    assert reconciler("apply", site.root, "--yes").code == 0
    site.write("apps/app/app.yaml", kept)
    called = reconciler("apply", site.root, "--yes", "--plan", plan)
    assert called.code == 0, called.out
    assert "APPROVED, AND NO LONGER NEEDED" in called.out
    assert reconciler("plan", site.root, "--detailed-exitcode").code == 0


def altered(file: Path, **keys: Any) -> Path:
    (plan,) = read_plans(file.read_bytes(), str(file))
    file.write_bytes(to_json(signed(plan.model_copy(update=keys))))
    return file


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"app": "other"}, "is a plan of other, which is no app of this desired state"),
        ({"tenant_url": "https://other.example/scim"}, "is a plan for https://other.example/scim"),
    ],
)
def test_a_plan_of_something_else_is_refused(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, approve: Callable[..., Path], keys: Any, says: str
) -> None:
    called = reconciler("apply", site.root, "--yes", "--plan", altered(approve(), **keys))
    assert called.code == 1
    assert says in called.err
    assert "make the plan again" in called.err
    assert writes(sandbox) == 0


def test_a_plan_for_another_moment_is_refused(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, approve: Callable[..., Path]
) -> None:
    from reconciler.model.plan import Note

    file = approve()
    (plan,) = read_plans(file.read_bytes(), str(file))
    note = Note(code="asOf", key="app", text="as of next year")
    called = reconciler("apply", site.root, "--yes", "--plan", altered(file, notes=(*plan.notes, note)))
    assert called.code == 1
    assert "--as-of" in called.err
    assert writes(sandbox) == 0


def test_a_plan_that_was_altered_is_refused(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, approve: Callable[..., Path]
) -> None:
    file = approve()
    file.write_text(file.read_text().replace("ada@contoso.com", "eve@contoso.com"))
    called = reconciler("apply", site.root, "--yes", "--plan", file)
    assert called.code == 1
    assert "altered" in called.err
    assert writes(sandbox) == 0


def test_a_plan_that_is_not_there(site: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    called = reconciler("apply", site.root, "--yes", "--plan", tmp_path / "nothing.json")
    assert called.code == 1
    assert "plan --out" in called.err
    (tmp_path / "empty").mkdir()
    assert "holds no plan" in reconciler("apply", site.root, "--yes", "--plan", tmp_path / "empty").err


def test_atomic_without_a_plan(site: Company, reconciler: Reconciler) -> None:
    called = reconciler("apply", site.root, "--yes", "--atomic")
    assert called.code == 64
    assert "--plan FILE" in called.err


def test_several_apps_in_one_file_and_in_a_folder(
    site: Company, sandbox: Sandbox, reconciler: Reconciler, tmp_path: Path
) -> None:
    app = site.read("apps/app/app.yaml")
    with running(other := Sandbox("scim", rate=0)) as url:
        site.write("apps/second/app.yaml", {**app, "tenantUrl": url})
        called = reconciler("plan", site.root, "--format", "json")
        (tmp_path / "both.json").write_text(called.out)
        folder = tmp_path / "plans"
        folder.mkdir()
        for document in called.document:
            (folder / f"{document['app']}.json").write_bytes(orjson.dumps(document))
        one = reconciler("apply", site.root, "--yes", "--plan", folder / "second.json")
        assert one.code == 0, one.err
        assert "app: " in one.err
        assert "skipped" in one.err
        assert len(other.users) == 7
        assert writes(sandbox) == 0
        named = reconciler("apply", site.root, "--yes", "--plan", folder / "second.json", "--app", "app")
        assert named.code == 64
        for plans in (folder, tmp_path / "both.json"):
            assert reconciler("apply", site.root, "--yes", "--plan", plans).code == 0
        assert len(sandbox.users) == 7


def test_only_signed_plans(site: Company, sandbox: Sandbox, reconciler: Reconciler, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    form, pem = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.Encoding.PEM
    for name in ("ours", "theirs"):
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (tmp_path / name).write_bytes(private)
        (tmp_path / f"{name}.pub").write_bytes(key.public_key().public_bytes(pem, form))
    signed_plan, plain = tmp_path / "signed.json", tmp_path / "plain.json"
    assert reconciler("plan", site.root, "--out", plain).code == 0
    assert reconciler("plan", site.root, "--out", signed_plan, "--sign", tmp_path / "ours").code == 0
    for plan, key_file in ((plain, "ours.pub"), (signed_plan, "theirs.pub")):
        called = reconciler("apply", site.root, "--yes", "--plan", plan, "--require-signature", tmp_path / key_file)
        assert called.code == 1
        assert "signed" in called.err
        assert writes(sandbox) == 0
    assert reconciler("apply", site.root, "--yes", "--require-signature", tmp_path / "ours.pub").code == 64
    done = reconciler("apply", site.root, "--yes", "--plan", signed_plan, "--require-signature", tmp_path / "ours.pub")
    assert done.code == 0

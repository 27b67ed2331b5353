"""`reconciler import graph` against a Graph on a socket: files, the second time, refusals, nothing half-written."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from reconciler.cli import call
from reconciler.desired import load
from reconciler.model.values import GroupId, UserId
from reconciler.sources import graph as source
from tests.sources.graph_server import FakeGraph
from tests.sources.test_graph_certificate import certificate, pem

TENANT = "contoso.onmicrosoft.com"
CLIENT = "11111111-2222-3333-4444-555555555555"
APP = "99999999-0000-0000-0000-000000000001"
SERVICE = "88888888-0000-0000-0000-000000000001"
SECRET = "secret-of-the-client"
Reached = tuple[FakeGraph, str]


@contextlib.contextmanager
def served(fake: FakeGraph) -> Iterator[str]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(fake, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the fake did not start"
            threading.Event().wait(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGraph]:
    fake = FakeGraph()
    fake.add_user("u1", "ada.lovelace@contoso.com", displayName="Ada Lovelace", manager="u2")
    fake.add_user("u2", "grace.hopper@contoso.com", displayName="Grace Hopper", department="Research")
    fake.add_user("u3", "alan.turing@contoso.com", displayName="Alan Turing", accountEnabled=False)
    fake.add_group("g1", "Social Media", ["u1", "u3"])
    fake.add_app(SERVICE, APP, appRoles=[{"id": "r1", "value": "Editor"}])
    fake.assign(SERVICE, "g1", "r1")
    fake.assign(SERVICE, "u2")
    with served(fake) as url:
        cloud = source.Cloud(url, url)
        monkeypatch.setattr(source, "CLOUDS", MappingProxyType({"global": cloud, "usgov": cloud}))
        monkeypatch.setenv("AZURE_CLIENT_SECRET", SECRET)
        yield fake


def run(root: Path, *more: str) -> int:
    return call(["import", "graph", str(root), "--tenant", TENANT, "--client-id", CLIENT, *more])


def content(root: Path) -> dict[str, str]:
    return {
        str(file.relative_to(root)): file.read_text(encoding="utf-8")
        for file in sorted(root.rglob("*.yaml"))
        if ".reconciler" not in file.parts
    }


def with_app(root: Path) -> None:
    """An app that nobody is assigned to yet, with a comment that has to stay."""
    folder = root / "apps" / "hootsuite"
    folder.mkdir(parents=True)
    (folder / "app.yaml").write_text(
        "# ours\ngallery: hootsuite\ntenantUrl: http://127.0.0.1:9/scim/v2\nauth:\n  bearer: {env: T}\n"
        "scope:\n  assigned:\n    users: [root]  # always\nunmanaged:\n  users: report\n",
        encoding="utf-8",
    )
    (root / "users").mkdir()
    (root / "users" / "root.yaml").write_text("id: root\nuserPrincipalName: root@contoso.com\n", encoding="utf-8")


def test_an_empty_folder_becomes_people_and_groups_and_the_second_time_nothing_changes(
    fake: FakeGraph, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "state"
    assert run(root, "--yes") == 0
    first = content(root)
    assert set(first) == {
        "groups/social-media.yaml",
        "users/ada.lovelace.yaml",
        "users/alan.turing.yaml",
        "users/grace.hopper.yaml",
    }
    assert "manager: grace.hopper" in first["users/ada.lovelace.yaml"]
    assert "accountEnabled: false" in first["users/alan.turing.yaml"]
    assert call(["fmt", "--check", str(root)]) == 0
    before = len(fake.asked)
    assert run(root, "--yes") == 0
    assert content(root) == first
    asked = [each.query for each in fake.asked[before:] if each.query]
    assert len(asked) == 2
    assert all("deltatoken" in each for each in asked)
    out, err = capsys.readouterr()
    assert SECRET not in out + err


def test_what_changed_at_microsoft_comes_with_update_and_prune(fake: FakeGraph, tmp_path: Path) -> None:
    root = tmp_path / "state"
    assert run(root, "--yes") == 0
    fake.edit_user("u1", userPrincipalName="ada.king@contoso.com")
    fake.remove_user("u3")
    fake.add_user("u4", "tom.baker@contoso.com")
    fake.edit_members("g1", come=["u4"])
    assert run(root, "--yes", "--update", "--prune") == 0
    after = content(root)
    assert "ada.king@contoso.com" in after["users/ada.lovelace.yaml"]
    assert "users/alan.turing.yaml" not in after
    assert "alan.turing" not in after["groups/social-media.yaml"]
    assert "tom.baker" in after["groups/social-media.yaml"]


def test_a_value_that_is_gone_at_microsoft_goes_here_with_update_and_is_told_without(
    fake: FakeGraph, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--yes") == 0
    file = tmp_path / "users" / "grace.hopper.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "timeZone: Europe/London  # ours\n", encoding="utf-8")
    fake.edit_user("u2", department=None)
    fake.edit_user("u1", manager=None)
    capsys.readouterr()
    assert run(tmp_path, "--yes") == 0
    assert 'department  "Research", the source says nothing' in capsys.readouterr().out
    assert "department: Research" in content(tmp_path)["users/grace.hopper.yaml"]
    assert run(tmp_path, "--yes", "--update") == 0
    after = content(tmp_path)
    assert "department" not in after["users/grace.hopper.yaml"]
    assert "timeZone: Europe/London  # ours" in after["users/grace.hopper.yaml"]
    assert "manager" not in after["users/ada.lovelace.yaml"]


def test_who_is_blocked_and_let_in_again_at_microsoft_is_so_here(fake: FakeGraph, tmp_path: Path) -> None:
    assert run(tmp_path, "--yes") == 0
    fake.edit_user("u2", accountEnabled=False)
    fake.edit_user("u3", accountEnabled=True)
    assert run(tmp_path, "--yes", "--update") == 0
    directory = load(tmp_path).directory
    assert {str(user.id) for user in directory if not user.enabled} == {"grace.hopper"}


@pytest.mark.parametrize("option", [("--app-id", APP), ("--service-principal", SERVICE)])
def test_who_is_assigned_comes_into_the_scope_of_an_app(
    fake: FakeGraph, tmp_path: Path, option: tuple[str, str]
) -> None:
    with_app(tmp_path)
    assert run(tmp_path, "--yes", "--app", "hootsuite", *option) == 0
    scope = load(tmp_path).apps["hootsuite"].scope
    assert scope.assigned is not None
    assert [(each.group, each.roles) for each in scope.assigned.groups] == [("social-media", ("Editor",))]
    assert [each.user for each in scope.assigned.users] == ["root", "grace.hopper"]
    text = (tmp_path / "apps" / "hootsuite" / "app.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ours\n")
    assert "# always" in text
    once = content(tmp_path)
    assert run(tmp_path, "--yes", "--app", "hootsuite", *option) == 0
    assert content(tmp_path) == once


def test_only_who_is_assigned(fake: FakeGraph, tmp_path: Path) -> None:
    with_app(tmp_path)
    fake.add_user("u7", "tom.baker@contoso.com")
    fake.add_group("g7", "Board", ["u7"])
    options = ["--app", "hootsuite", "--app-id", APP, "--assigned-only", "--yes", "--prune"]
    assert run(tmp_path, *options) == 0
    found = content(tmp_path)
    assert "users/ada.lovelace.yaml" in found
    assert "users/root.yaml" in found
    assert not {"users/tom.baker.yaml", "groups/board.yaml"} & set(found)


def test_whoever_is_in_the_files_is_recognized_and_stays_who_they_are(fake: FakeGraph, tmp_path: Path) -> None:
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / "people.yaml").write_text(
        "# ours\n- id: e1\n  userPrincipalName: Grace.Hopper@contoso.com  # the boss\n"
        "- id: e2\n  mail: ada@contoso.com\n",
        encoding="utf-8",
    )
    fake.edit_user("u1", mail="ada@contoso.com")
    assert run(tmp_path, "--yes") == 0
    directory = load(tmp_path).directory
    assert set(directory.users) == {"e1", "e2", "alan.turing"}
    assert directory.users[UserId("e2")].attributes["manager"] == "e1"
    assert {member.user for member in directory.groups[GroupId("social-media")].members} == {"e2", "alan.turing"}
    text = content(tmp_path)["users/people.yaml"]
    assert text.startswith("# ours\n")
    assert "  # the boss\n" in text
    fake.edit_user("u1", mail="ada.king@contoso.com", userPrincipalName="ada.king@contoso.com")
    fake.add_user("u9", "ada.lovelace@contoso.com", mail="ada@contoso.com")
    assert run(tmp_path, "--yes") == 0  # the files keep Ada's name, so nobody else gets it
    assert len(load(tmp_path).directory.users) == 3
    assert run(tmp_path, "--yes", "--update") == 0
    after = load(tmp_path).directory
    assert after.users[UserId("e2")].attributes["mail"] == "ada.king@contoso.com"
    assert len(after.users) == 4


def test_whoever_shares_a_mail_address_or_a_groups_name_is_somebody_else(fake: FakeGraph, tmp_path: Path) -> None:
    fake.edit_user("u1", mail="press@contoso.com")
    assert run(tmp_path, "--yes") == 0
    fake.add_user("u8", "tom.baker@contoso.com", mail="press@contoso.com")
    fake.add_group("g8", "Social Media", ["u8"])
    assert run(tmp_path, "--yes") == 0
    directory = load(tmp_path).directory
    assert "tom.baker" in directory.users
    assert len(directory.groups) == 2
    assert "tom.baker" not in content(tmp_path)["groups/social-media.yaml"]


def test_without_a_yes_nothing_is_written_and_nothing_kept(fake: FakeGraph, tmp_path: Path) -> None:
    root = tmp_path / "state"
    assert run(root) == 64
    assert not root.exists()


def test_with_full_everything_is_read_and_who_changed_the_name_stays_the_same_person(
    fake: FakeGraph, tmp_path: Path
) -> None:
    assert run(tmp_path, "--yes") == 0
    fake.edit_user("u1", userPrincipalName="ada.king@contoso.com")
    before = len(fake.asked)
    assert run(tmp_path, "--yes", "--update", "--full") == 0
    assert not any("deltatoken" in each.query for each in fake.asked[before:])
    assert "ada.king@contoso.com" in content(tmp_path)["users/ada.lovelace.yaml"]


def test_what_was_kept_and_is_damaged_is_read_again_and_said(
    fake: FakeGraph, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--yes") == 0
    (kept,) = (tmp_path / ".reconciler" / "graph").glob("*.json")
    kept.write_bytes(kept.read_bytes()[:-20])
    before = content(tmp_path)
    assert run(tmp_path, "--yes") == 0
    assert "damaged: everything is read again" in capsys.readouterr().err
    assert content(tmp_path) == before


def test_a_list_that_breaks_off_changes_nothing(fake: FakeGraph, tmp_path: Path) -> None:
    assert run(tmp_path, "--yes") == 0
    before = content(tmp_path)
    (kept,) = (tmp_path / ".reconciler" / "graph").glob("*.json")
    was = kept.read_bytes()
    fake.add_user("u5", "tom.baker@contoso.com")

    def bend(path: str, document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "@odata.deltaLink": None} if path.endswith("users/delta") else document

    fake.bend = bend
    assert run(tmp_path, "--yes") == 1
    assert content(tmp_path) == before
    assert kept.read_bytes() == was


def test_hostile_names_stay_in_the_folder_and_out_of_the_terminal(
    fake: FakeGraph, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "state"
    fake.add_user("u6", "../../../evil@contoso.com", displayName="E\x1b[2J\u202evil\n- x: y")
    fake.add_group("g6", "../../CON", ["u6"], description="a: b\n# c")
    assert run(root, "--yes") == 0
    assert {path.name for path in tmp_path.iterdir()} == {"state"}
    out, err = capsys.readouterr()
    assert "\x1b[2J" not in out + err
    assert "\u202e" not in out + err
    loaded = load(root).directory
    before = content(root)
    assert run(root, "--yes", "--update", "--prune", "--full") == 0
    assert content(root) == before
    assert "E\x1b[2J\u202evil\n- x: y" in {user.attributes.get("displayName") for user in loaded}


def test_two_with_one_name_are_two_people(fake: FakeGraph, tmp_path: Path) -> None:
    fake.add_user("u8", "ADA.lovelace@contoso.com", mail="ada@contoso.com")
    fake.add_group("g8", "Social Media", ["u8"])
    assert run(tmp_path, "--yes") == 0
    directory = load(tmp_path).directory
    assert len(directory.users) == 4
    assert len(directory.groups) == 2
    before = content(tmp_path)
    assert run(tmp_path, "--yes", "--update", "--prune", "--full") == 0
    assert content(tmp_path) == before


def test_a_custom_attribute_comes_from_a_directory_extension(fake: FakeGraph, tmp_path: Path) -> None:
    extension = "extension_ab603c56068041afb2f6832e2a17e237_costCenter"
    (tmp_path / "reconciler.yaml").write_text("attributes:\n  costCenter: {type: string}\n", encoding="utf-8")
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / "root.yaml").write_text("id: root\nuserPrincipalName: root@contoso.com\n", encoding="utf-8")
    assert run(tmp_path, "--yes") == 0
    fake.edit_user("u1", userPrincipalName="ada.king@contoso.com", **{extension: "K7"})
    assert run(tmp_path, "--yes", "--update", "--attribute", f"costCenter={extension}") == 0
    ada = content(tmp_path)["users/ada.lovelace.yaml"]  # read anew, and the same person
    assert "costCenter: K7" in ada
    assert "ada.king@contoso.com" in ada


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--tenant", "common"], "neither the id of a tenant nor a domain"),
        (["--tenant", "../x"], "neither the id of a tenant nor a domain"),
        (["--client-id", "me"], "no id of Microsoft's"),
        (["--app", "hootsuite"], "--app goes with --app-id"),
        (["--assigned-only"], "--assigned-only goes with --app"),
        (["--app-id", APP], "--app goes with --app-id"),
        (["--app", "hootsuite", "--app-id", "x') or ("], "no id of Microsoft's"),
        (["--app", "hootsuite", "--app-id", APP, "--service-principal", SERVICE], "not both"),
        (["--app", "hootsuite", "--app-id", APP], "no such app is described"),
        (["--secret-env", "A", "--secret-file", "b"], "not several"),
        (["--attribute", "costCenter=costCenter"], "no directory extension"),
        (["--attribute", "x=extension_ab603c56068041afb2f6832e2a17e237_x"], "no custom attribute here"),
        (["--cloud", "moon"], "moon"),
    ],
)
def test_a_wrong_command_line_is_told_before_anything_is_asked(
    fake: FakeGraph, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert run(tmp_path, *more) == 64
    assert said in capsys.readouterr().err
    assert not fake.asked


def test_a_secret_that_is_not_there_or_wrong_is_told(
    fake: FakeGraph, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    assert run(tmp_path) == 1
    assert "AZURE_CLIENT_SECRET is not set" in capsys.readouterr().err
    wrong = tmp_path / "secret"
    wrong.write_text("wrong-secret-of-somebody\n", encoding="utf-8")
    assert run(tmp_path, "--secret-file", str(wrong)) == 1
    said = capsys.readouterr().err
    assert "AADSTS7000215" in said
    assert "wrong-secret" not in said
    assert run(tmp_path, "--certificate", str(wrong)) == 64
    assert "no certificate" in capsys.readouterr().err


def test_a_certificate_and_its_key_in_one_file(fake: FakeGraph, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    own = tmp_path / "own.pem"
    own.write_text(certificate(key).public_bytes(Encoding.PEM).decode() + pem(key), encoding="utf-8")
    assert run(tmp_path / "state", "--certificate", str(own), "--yes") == 0
    form = fake.asked[0].form
    assert "client_secret" not in form
    assert jwt.get_unverified_header(form["client_assertion"])["alg"] == "PS256"


def test_a_secret_of_the_keyring_that_is_not_there(
    fake: FakeGraph, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--secret-keyring", "nothing") == 1
    assert "service/name" in capsys.readouterr().err
    assert not fake.asked


def test_in_ci_the_hosts_must_be_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", SECRET)
    assert run(tmp_path, "--cloud", "usgov", "--allow-host", "login.microsoftonline.us") == 1
    assert "--allow-host graph.microsoft.us" in capsys.readouterr().err

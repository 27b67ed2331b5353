"""`reconciler import entra-schema`: from a file to an app that validates, once and again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.desired import load
from tests.sources.test_entra_schema import HOOTSUITE, ODD, attribute, filters, flow, schema

if TYPE_CHECKING:
    from tests.conftest import Called

    Reconciler = Callable[..., Called]

URL = "https://chat.example/scim/v2"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "our access"


def with_somebody(root: Path) -> Path:
    """A desired state needs people to be valid."""
    (root / "users").mkdir(parents=True, exist_ok=True)
    (root / "users" / "ada.yaml").write_text("userPrincipalName: ada@contoso.com\n", encoding="utf-8")
    return root


@pytest.fixture
def call(reconciler: Reconciler, root: Path, tmp_path: Path) -> Callable[..., Called]:
    """call(data, *arguments): with the schema as a file, into the folder, with --yes."""

    def imported(data: bytes, *arguments: object) -> Called:
        file = tmp_path / "schema.json"
        file.write_bytes(data)
        return reconciler("import", "entra-schema", file, root, "--yes", *arguments)

    return imported


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_hootsuites_schema_becomes_an_app_that_validates(
    call: Callable[..., Called], root: Path, reconciler: Reconciler
) -> None:
    done = call(HOOTSUITE.read_bytes())
    assert done.code == 0
    assert sorted(tree(root)) == ["apps/hootsuite/app.yaml", "apps/hootsuite/mappings.yaml"]
    assert "app.yaml" in done.out
    assert "who is assigned does not stand in a schema" in done.out + done.err
    with_somebody(root)
    assert reconciler("validate", root, "--strict").code == 0
    assert reconciler("fmt", root, "--check").code == 0
    app = load(root).apps["hootsuite"]
    assert (app.gallery, app.provisioning) == ("hootsuite", False)


@pytest.mark.parametrize("data", [HOOTSUITE.read_bytes(), ODD.read_bytes()])
def test_a_second_time_nothing_changes(data: bytes, call: Callable[..., Called], root: Path) -> None:
    assert call(data, "--app", "chat", "--gallery", "scim", "--tenant-url", URL).code == 0
    before = tree(root)
    again = call(data, "--app", "chat")
    assert again.code == 0
    assert tree(root) == before
    assert call(data, "--app", "chat", "--update", "--prune").code == 0
    assert tree(root) == before


def test_the_variable_of_the_token_is_one_that_shells_take(call: Callable[..., Called], root: Path) -> None:
    assert call(HOOTSUITE.read_bytes(), "--app", "7-geese", "--gallery", "scim", "--tenant-url", URL).code == 0
    assert "env: APP_7_GEESE_SCIM_TOKEN" in (root / "apps/7-geese/app.yaml").read_text(encoding="utf-8")


def test_without_a_yes_nothing_is_written(reconciler: Reconciler, root: Path) -> None:
    called = reconciler("import", "entra-schema", HOOTSUITE, root)
    assert called.code == 64
    assert not root.exists()
    assert "app.yaml" in called.out


def test_what_has_no_equivalent_is_listed(call: Callable[..., Called]) -> None:
    told = call(ODD.read_bytes(), "--tenant-url", URL)
    assert told.code == 0
    everything = told.out + told.err
    assert "no function has the name SplitTitle" in everything
    assert 'filter userType EQUALS "Member"' in everything


def test_programs_get_the_same(call: Callable[..., Called]) -> None:
    document = call(ODD.read_bytes(), "--tenant-url", URL, "--format", "json").document
    assert any("SplitTitle" in json.dumps(each) for each in document["refused"])


def test_mappings_are_added_to_an_app_that_is_described(call: Callable[..., Called], root: Path) -> None:
    assert call(HOOTSUITE.read_bytes()).code == 0
    file = root / "apps/hootsuite/mappings.yaml"
    file.write_text("# ours\nusers:\n  - {target: nickName, source: givenName}  # why\n", encoding="utf-8")
    app = root / "apps/hootsuite/app.yaml"
    before = app.read_bytes()
    data = json.loads(HOOTSUITE.read_bytes())
    objects = data["synchronizationRules"][0]["objectMappings"][1]
    objects["attributeMappings"].append(flow("title", attribute("jobTitle")))
    objects["scope"] = filters([("department", "EQUALS", "Sales")])
    done = call(json.dumps(data).encode())
    assert done.code == 0
    assert file.read_text(encoding="utf-8") == (
        "# ours\nusers:\n  - {target: nickName, source: givenName}  # why\n  - {target: title, source: jobTitle}\n"
    )
    assert app.read_bytes() == before
    everything = done.out + done.err
    assert "`scope.filters` stays as it is" in everything
    assert "{attribute: department, operator: EQUALS, value: Sales}" in everything
    assert "nickName is mapped here, and not in Entra's schema" in everything


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--app", "../outside"], "is no name of an app"),
        (["--app", ".hidden"], "is no name of an app"),
        (["--gallery", "hotsuite"], "did you mean hootsuite?"),
        (["--gallery", "scim"], "--tenant-url is missing"),
        (["--tenant-url", "https://{tenant}.example"], "braces"),
        (["--tenant-url", "nonsense"], "tenant URL"),
    ],
)
def test_a_wrong_command_line_is_an_error_and_no_file(
    arguments: list[str], says: str, call: Callable[..., Called], root: Path, tmp_path: Path
) -> None:
    called = call(HOOTSUITE.read_bytes(), *arguments)
    assert called.code == 64
    assert says in called.err
    assert not root.exists()
    assert sorted(tree(tmp_path)) == ["schema.json"]


def test_another_application_or_address_than_the_apps_is_an_error(call: Callable[..., Called], root: Path) -> None:
    assert call(HOOTSUITE.read_bytes()).code == 0
    before = tree(root)
    for option, value in (("--gallery", "scim"), ("--tenant-url", URL)):
        called = call(HOOTSUITE.read_bytes(), "--app", "hootsuite", option, value)
        assert called.code == 64
        assert f"{option} says {value}" in called.err
    assert tree(root) == before


def test_an_application_that_nobody_knows_is_asked_for(call: Callable[..., Called], root: Path) -> None:
    called = call(HOOTSUITE.read_bytes().replace(b'"Hootsuite"', b'"Acme\\u202eChat"'), "--tenant-url", URL)
    assert called.code == 64
    assert "--gallery says which one it is" in called.err
    assert "\u202e" not in called.err
    assert not root.exists()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (HOOTSUITE.read_bytes()[:5000], "it ends too early"),
        (b"\xff\xfe\x00", "UTF-16"),
        (b'{"value": []}', "a list of 0"),
        (schema(flow("userName", attribute("mail"))), "mapped twice"),
    ],
)
def test_a_broken_schema_is_an_error_with_its_file_and_no_other(
    data: bytes, says: str, call: Callable[..., Called], root: Path
) -> None:
    called = call(data, "--gallery", "hootsuite")
    assert called.code == 1
    assert "schema.json: " in called.err
    assert says in called.err
    assert not root.exists()


def test_a_file_that_cant_be_read_is_an_error(reconciler: Reconciler, tmp_path: Path) -> None:
    for file in (tmp_path / "missing.json", tmp_path):
        called = reconciler("import", "entra-schema", file, tmp_path / "state", "--yes")
        assert called.code == 64
        assert "can't be read" in called.err


def test_a_desired_state_with_errors_is_left_alone(call: Callable[..., Called], root: Path) -> None:
    (root / "users").mkdir(parents=True)
    (root / "users" / "ada.yaml").write_text("mail: [\n", encoding="utf-8")
    before = tree(root)
    called = call(HOOTSUITE.read_bytes())
    assert called.code == 1
    assert "users/ada.yaml" in called.err
    assert tree(root) == before


def test_an_attribute_of_ones_own_takes_an_extension_of_entras(call: Callable[..., Called], root: Path) -> None:
    data = schema(flow("title", attribute("extension_0f4e2b6c9a7d4c3e8b1a5d2f6e7c8b9a_shoeSize")))
    options = ("--app", "chat", "--gallery", "scim", "--tenant-url", URL)
    assert "attributes: {shoeSize: {type: string}}" in (told := call(data, *options)).out + told.err
    (root / "reconciler.yaml").write_text("attributes: {shoeSize: {type: string}}\n", encoding="utf-8")
    assert call(data, "--app", "chat").code == 0
    assert "{target: title, source: shoeSize}" in (root / "apps/chat/mappings.yaml").read_text(encoding="utf-8")


def test_modelines_stand_where_there_are_schemas_for_editors(
    call: Callable[..., Called], root: Path, reconciler: Reconciler
) -> None:
    assert reconciler("init", root, "--gallery", "hootsuite").code == 0
    assert call(HOOTSUITE.read_bytes(), "--app", "second", "--gallery", "scim", "--tenant-url", URL).code == 0
    for name in ("app", "mappings"):
        text = (root / f"apps/second/{name}.yaml").read_text(encoding="utf-8")
        assert text.startswith(f"# yaml-language-server: $schema=../../.schemas/{name}.json\n")
    assert reconciler("validate", root).code == 0
    assert reconciler("fmt", root, "--check").code == 0

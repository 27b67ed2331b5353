"""`plan --out` and `show`: what was kept is what was shown, or it is refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


@pytest.fixture
def files(company: Callable[..., Company]) -> Iterator[Company]:
    """Six people to create, one question."""
    box = Sandbox("hootsuite", rate=0)
    box.add_user("ada@contoso.com", active=False, name={"givenName": "Ada", "familyName": "Lovelace"})
    with running(box) as url:
        yield company(gallery="hootsuite", tenant=url)


@pytest.fixture
def two(files: Company) -> Iterator[Company]:
    """A second app, elsewhere."""
    with running(Sandbox("hootsuite", rate=0)) as url:
        files.write("apps/wiki/app.yaml", {**files.read("apps/app/app.yaml"), "tenantUrl": url})
        yield files


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("verbose", [(), ("--verbose",)])
def test_a_kept_plan_is_shown_as_it_was(
    files: Company, reconciler: Reconciler, tmp_path: Path, verbose: tuple[str, ...]
) -> None:
    made = reconciler("plan", files.root, "--out", tmp_path / "p.json", *verbose)
    assert made.code == 0
    shown = reconciler("show", tmp_path / "p.json", *verbose)
    assert shown.code == 0
    # how many requests were made today is known while there is a connection only
    assert shown.out.split("An apply needs")[0] == made.out.split("An apply needs")[0]
    assert "HELD" in shown.out


def test_json_is_the_file_to_the_byte(files: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    made = reconciler("plan", files.root, "--out", tmp_path / "p.json", "--format", "json")
    assert made.out.encode() == (tmp_path / "p.json").read_bytes()
    assert reconciler("show", tmp_path / "p.json", "--format", "json").out == made.out


def test_the_exit_code_of_plan_is_the_same_with_a_file(files: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    assert reconciler("plan", files.root, "--out", tmp_path / "p.json", "--detailed-exitcode").code == 3


def test_only_the_owner_may_read_it_and_nothing_is_left_beside(
    files: Company, reconciler: Reconciler, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "p.json").write_text("older")
    assert reconciler("plan", files.root, "--out", tmp_path / "kept" / "p.json").code == 0
    assert names(tmp_path / "kept") == ["p.json"]
    assert (tmp_path / "kept" / "p.json").stat().st_mode & 0o077 == 0


def test_several_apps_are_kept_in_a_folder(two: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    assert reconciler("plan", two.root, "--out", tmp_path / "plans").code == 0
    assert names(tmp_path / "plans") == ["app.json", "wiki.json"]
    for name in ("app", "wiki"):
        document = reconciler("show", tmp_path / "plans" / f"{name}.json", "--format", "json").document
        assert document["app"] == name


def test_a_folder_takes_the_plan_of_one_app_too(files: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    assert reconciler("plan", files.root, "--out", tmp_path).code == 0
    assert orjson.loads((tmp_path / "app.json").read_bytes())["app"] == "app"


def test_a_list_from_stdout_can_be_shown(two: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    made = reconciler("plan", two.root, "--format", "json")
    (tmp_path / "both.json").write_text(made.out)
    assert reconciler("show", tmp_path / "both.json", "--format", "json").out == made.out
    text = reconciler("show", tmp_path / "both.json").out
    assert text.startswith("app  ")
    assert "\nwiki  " in text


@pytest.mark.parametrize("part", ["users", "groups/new", "apps/app"])
def test_no_plan_goes_where_the_desired_state_is_read(
    files: Company, reconciler: Reconciler, part: str, tmp_path: Path
) -> None:
    (files.root / part).mkdir(exist_ok=True)
    refused = reconciler("plan", files.root, "--out", files.root / part / "plan.json")
    assert refused.code == 64
    assert "is inside of" in refused.err


def test_a_place_that_does_not_exist_is_told_before_anything_is_read(
    files: Company, reconciler: Reconciler, tmp_path: Path
) -> None:
    refused = reconciler("plan", files.root, "--out", tmp_path / "no" / "p.json")
    assert refused.code == 64
    assert "there is no folder" in refused.err


def test_a_file_for_several_apps_is_refused(two: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("")
    refused = reconciler("plan", two.root, "--out", tmp_path / "p.json")
    assert refused.code == 64
    assert "is a file, and these are 2 plans" in refused.err


def test_no_device_and_no_pipe_is_replaced_by_a_plan(files: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for out in (pipe, tmp_path / "link"):
        called = reconciler("plan", files.root, "--out", out)
        assert called.code == 64
        assert "is a device or a pipe" in called.err
    assert pipe.is_fifo()
    assert names(tmp_path) == ["link", "pipe", "state"]


def test_a_place_that_can_not_be_written(files: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    name = "x" * 300 + ".json"
    refused = reconciler("plan", files.root, "--out", tmp_path / name)
    assert refused.code == 1
    assert "can't be written" in refused.err
    assert not [each for each in names(tmp_path) if "xxx" in each]


class TestRefused:
    def refused(self, reconciler: Reconciler, path: Path) -> str:
        shown = reconciler("show", path)
        assert shown.code == 1
        assert not shown.out
        return shown.err

    def test_what_is_not_there(self, reconciler: Reconciler, tmp_path: Path) -> None:
        assert "there is no such file" in self.refused(reconciler, tmp_path / "no.json")

    def test_a_folder_without_plans(self, reconciler: Reconciler, tmp_path: Path) -> None:
        assert "holds no plan" in self.refused(reconciler, tmp_path)

    def test_a_cut_file(self, files: Company, reconciler: Reconciler, tmp_path: Path) -> None:
        reconciler("plan", files.root, "--out", tmp_path / "p.json")
        data = (tmp_path / "p.json").read_bytes()
        (tmp_path / "p.json").write_bytes(data[: len(data) // 2])
        assert "ends too early" in self.refused(reconciler, tmp_path / "p.json")

    def test_an_altered_file(self, files: Company, reconciler: Reconciler, tmp_path: Path) -> None:
        reconciler("plan", files.root, "--out", tmp_path / "p.json")
        data = (tmp_path / "p.json").read_bytes()
        (tmp_path / "p.json").write_bytes(data.replace(b"grace@contoso.com", b"eve@evil.example"))
        assert "was altered" in self.refused(reconciler, tmp_path / "p.json")

    def test_a_profile_that_this_version_does_not_know_is_shown_all_the_same(
        self, files: Company, reconciler: Reconciler, tmp_path: Path
    ) -> None:
        from reconciler.plan import digest_of

        reconciler("plan", files.root, "--out", tmp_path / "p.json")
        document = orjson.loads((tmp_path / "p.json").read_bytes())
        document["profile"]["name"] = "of-tomorrow"
        document["digest"] = digest_of(document)
        (tmp_path / "p.json").write_bytes(orjson.dumps(document))
        assert "GAINS ACCESS" in reconciler("show", tmp_path / "p.json").out


class TestSigned:
    def key(self, folder: Path) -> Path:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        (folder / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        (folder / "key.pub").write_bytes(public)
        return folder / "key"

    def test_a_signed_plan_passes_and_is_shown(self, files: Company, reconciler: Reconciler, tmp_path: Path) -> None:
        from reconciler.cli.saved import read_saved, require_signature

        made = reconciler("plan", files.root, "--out", tmp_path / "p.json", "--sign", self.key(tmp_path))
        assert made.code == 0
        require_signature(read_saved(tmp_path / "p.json"), tmp_path / "key.pub")
        assert reconciler("show", tmp_path / "p.json").code == 0

    def test_every_plan_of_a_list_must_be_signed(self, two: Company, reconciler: Reconciler, tmp_path: Path) -> None:
        from reconciler.cli.saved import read_saved, require_signature
        from reconciler.errors import PlanError

        key = self.key(tmp_path)
        signed = reconciler("plan", two.root, "--app", "app", "--sign", key, "--format", "json").document
        bare = reconciler("plan", two.root, "--app", "wiki", "--format", "json").document
        (tmp_path / "both.json").write_bytes(orjson.dumps([signed, bare]))
        with pytest.raises(PlanError, match="the plan for wiki is not signed"):
            require_signature(read_saved(tmp_path / "both.json"), tmp_path / "key.pub")

    def test_a_key_that_is_none_is_told_before_anything_is_read(
        self, files: Company, reconciler: Reconciler, tmp_path: Path
    ) -> None:
        (tmp_path / "large").write_bytes(b"x" * 100_000)
        for path, told in (("no", "can't be read"), ("", "can't be read"), ("large", "too large")):
            refused = reconciler("plan", files.root / "nowhere", "--sign", tmp_path / path)
            assert refused.code == 1
            assert told in refused.err

"""The files that cycles work with: pulled, believed or not, and the last good ones where the newest can't be used."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import CheckoutError, DesiredStateError, NotReviewed, UsageError
from reconciler.model.values import UserId
from reconciler.service.checkout import Checkout, Files, check_beside, stamp_of
from reconciler.service.clock import Clock
from reconciler.service.pull import Untrusted, check_signed, pull
from reconciler.session import Settings
from tests.state.conftest import git

if TYPE_CHECKING:
    from reconciler.desired import Loaded
    from tests.conftest import Company


@dataclass
class Site:
    """A repository that people push to, and the clone of a runner."""

    company: Company
    root: Path

    def push(self, message: str = "a change", *options: str) -> str:
        git(self.company.root, "add", "-A")
        git(self.company.root, *_signing(options), "commit", "-qm", message)
        git(self.company.root, "push", "-qf", "origin", "main")
        return git(self.company.root, "rev-parse", "HEAD")

    def checkout(self, **options: object) -> Checkout:
        return Checkout(Settings(directory=self.root), Clock(), **options)  # type: ignore[arg-type]


def _signing(options: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for option in options for part in ("-c", option))


@pytest.fixture
def site(company: Callable[..., Company], tmp_path: Path) -> Site:
    made = company(gallery="scim")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "remote.git")], check=True)
    git(made.root, "init", "-q", "-b", "main")
    git(made.root, "remote", "add", "origin", (tmp_path / "remote.git").as_uri())
    made.write(".gitignore", ".reconciler/\n")
    found = Site(made, tmp_path / "runner")
    found.push("begin")
    subprocess.run(["git", "clone", "-q", (tmp_path / "remote.git").as_uri(), str(found.root)], check=True)
    return found


def test_what_is_new_is_pulled_and_files_are_read_once_a_revision(site: Site) -> None:
    ticks = iter(range(0, 1000, 100))

    async def main() -> tuple[Files, Files, Files]:
        checkout = Checkout(Settings(directory=site.root), Clock(monotonic=lambda: next(ticks)), pulls=True)
        first, again = await checkout.current(), await checkout.current()
        site.company.edit_person("ada.lovelace", jobTitle="Countess")
        site.push()
        return first, again, await checkout.current()

    first, again, moved = asyncio.run(main())
    assert first.loaded is again.loaded
    assert moved.loaded is not first.loaded
    assert moved.commit != first.commit
    assert moved.commit == git(site.root, "rev-parse", "HEAD")
    assert moved.refused is None
    assert moved.not_pulled is None


def test_many_apps_at_the_same_moment_read_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler import desired

    calls = []
    load = desired.load

    def counted(root: Path, **options: Any) -> Loaded:
        calls.append(root)
        return load(root, **options)

    monkeypatch.setattr(desired, "load", counted)

    async def main() -> list[Files]:
        checkout = site.checkout(pulls=True)
        return await asyncio.gather(*(checkout.current() for _ in range(20)))

    found = asyncio.run(main())
    assert len({id(each.loaded) for each in found}) == 1
    assert len(calls) == 1


def test_a_pull_that_fails_is_told_and_stops_nothing(site: Site, tmp_path: Path) -> None:
    (tmp_path / "remote.git").rename(tmp_path / "away.git")
    used = asyncio.run(site.checkout(pulls=True).current())
    assert isinstance(used.not_pulled, CheckoutError)
    assert "git fetch failed" in used.not_pulled.message
    assert used.loaded.apps
    assert used.refused is None


def test_a_rewritten_history_is_not_taken_over(site: Site) -> None:
    before = git(site.root, "rev-parse", "HEAD")
    git(site.company.root, "commit", "-q", "--amend", "-m", "rewritten")
    git(site.company.root, "push", "-qf", "origin", "main")
    used = asyncio.run(site.checkout(pulls=True).current())
    assert used.not_pulled is not None
    assert "git merge failed" in used.not_pulled.message
    assert used.commit == before


def test_a_branch_that_follows_nothing(site: Site) -> None:
    git(site.root, "checkout", "-q", "-b", "alone")
    used = asyncio.run(site.checkout(pulls=True).current())
    assert used.not_pulled is not None
    assert "follows none" in used.not_pulled.message


def test_a_fetch_that_hangs_ends_with_all_it_started(site: Site, tmp_path: Path) -> None:
    """A remote helper that never answers, as a server that drops packets."""
    helper = tmp_path / "bin" / "git-remote-slow"
    helper.parent.mkdir()
    helper.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    helper.chmod(0o755)
    git(site.root, "remote", "set-url", "origin", "slow://there")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{helper.parent}{os.pathsep}{os.environ['PATH']}")
        begun = time.monotonic()
        with pytest.raises(CheckoutError, match="took more than 1"):
            asyncio.run(pull(site.root, signed=False, seconds=1))
    assert time.monotonic() - begun < 60
    number = int((tmp_path / "pid").read_text())
    for _ in range(200):
        if not Path(f"/proc/{number}").exists():
            return
        time.sleep(0.05)
    pytest.fail("it still runs")


def test_invalid_files_the_last_good_ones_are_used_and_that_is_told(site: Site) -> None:
    async def main() -> tuple[Files, Files, Files, Files]:
        checkout = site.checkout()
        good = await checkout.current()
        file = site.root / "users" / "ada.lovelace.yaml"
        text = file.read_text()
        file.write_text(text + "department: [Sales\n")
        bad, again = await checkout.current(), await checkout.current()
        file.write_text(text)
        return good, bad, again, await checkout.current()

    good, bad, again, repaired = asyncio.run(main())
    assert isinstance(bad.refused, DesiredStateError)
    assert bad.loaded is good.loaded
    assert again.refused is bad.refused, "it is not read again and again"
    assert repaired.refused is None


def test_after_a_start_the_last_good_commit_is_read_from_git(site: Site) -> None:
    good = git(site.root, "rev-parse", "HEAD")
    (site.root / "users" / "ada.lovelace.yaml").write_text("id: [\n")
    git(site.root, "commit", "-qam", "a mistake\n\nReconciler-Allow: deprovisionUsers=6")
    used = asyncio.run(site.checkout(earlier=lambda: ["f" * 40, good]).current())
    assert isinstance(used.refused, DesiredStateError)
    assert used.commit == good
    assert used.loaded.directory.commit == good
    assert used.loaded.root == site.root
    assert "ada.lovelace" in used.loaded.directory.users
    with pytest.raises(DesiredStateError):
        asyncio.run(site.checkout().current())


def test_releases_of_a_commit_that_is_not_used_release_nothing(site: Site) -> None:
    from reconciler.session import memories, open_app

    good = git(site.root, "rev-parse", "HEAD")
    (site.root / "users" / "ada.lovelace.yaml").write_text("id: [\n")
    git(site.root, "commit", "-qam", "a mistake\n\nReconciler-Allow: deprovisionUsers=6")
    settings = Settings(directory=site.root)
    used = asyncio.run(site.checkout(earlier=lambda: [good]).current())
    opened = open_app(used.loaded, "app", memories(settings, used.loaded), settings)
    assert not opened.trailers


def test_what_is_not_committed_is_known(site: Site) -> None:
    (site.root / "users" / "new.yaml").write_text(
        "id: new\nuserPrincipalName: new@contoso.com\nmail: new@contoso.com\ndisplayName: N\ngivenName: N\nsurname: N\n"
    )
    used = asyncio.run(site.checkout().current())
    assert isinstance(used.not_reviewed, NotReviewed)
    assert "new" in used.loaded.directory.users


def test_certificates_of_a_revision_that_is_not_used_are_not_used(site: Site) -> None:
    site.company.write("ca.pem", "the good one\n")
    site.company.edit_app(caFile="ca.pem")
    good = site.push()
    git(site.root, "pull", "-q")
    (site.root / "users" / "ada.lovelace.yaml").write_text("id: [\n")
    used = asyncio.run(site.checkout(earlier=lambda: [good]).current())
    check_beside(used, used.loaded.apps["app"])
    (site.root / "ca.pem").write_text("another one\n")
    with pytest.raises(CheckoutError, match="is not what it was"):
        check_beside(used, used.loaded.apps["app"])


def test_without_git_there_is_nothing_to_pull_and_nobody_to_trust(company: Callable[..., Company]) -> None:
    root = company(gallery="scim").root
    for pulls in (True, False):
        with pytest.raises(UsageError, match="in no git work tree"):
            Checkout(Settings(directory=root), Clock(), pulls=pulls, signed=not pulls)
    assert asyncio.run(Checkout(Settings(directory=root), Clock()).current()).commit is None


def test_the_stamp_moves_with_every_change(site: Site) -> None:
    before = stamp_of(site.root)
    assert stamp_of(site.root) == before
    file = site.root / "users" / "ada.lovelace.yaml"
    text, times = file.read_text(), file.stat()
    file.write_text(text.replace("Ada", "Eda", 1))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = stamp_of(site.root)
    assert after != before
    git(site.root, "commit", "-qam", "the same files, another commit")
    assert stamp_of(site.root) != after


# -- signatures


@dataclass
class Keys:
    """SSH keys, of which one is trusted."""

    folder: Path

    def config(self, name: str) -> tuple[str, ...]:
        return ("gpg.format=ssh", f"user.signingKey={self.folder / name}", "commit.gpgSign=true")


@pytest.fixture
def keys(tmp_path: Path, site: Site) -> Keys:
    folder = tmp_path / "keys"
    folder.mkdir()
    for name in ("trusted", "other"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(command, check=True)
    signers = folder / "signers"
    signers.write_text(f"ada@contoso.com {(folder / 'trusted.pub').read_text()}")
    git(site.root, "config", "gpg.ssh.allowedSignersFile", str(signers))
    return Keys(folder)


def signed(site: Site, keys: Keys, name: str, message: str) -> str:
    git(site.company.root, "add", "-A")
    with_key = [part for option in keys.config(name) for part in ("-c", option)]
    command = [
        "git",
        "-C",
        str(site.company.root),
        "-c",
        "user.name=ada",
        "-c",
        "user.email=ada@contoso.com",
        *with_key,
    ]
    subprocess.run([*command, "commit", "-qm", message, "-S"], check=True)
    git(site.company.root, "push", "-q", "origin", "main")
    return git(site.company.root, "rev-parse", "HEAD")


def test_only_a_trusted_signature_is_taken_over(site: Site, keys: Keys) -> None:
    first = git(site.root, "rev-parse", "HEAD")
    site.company.edit_person("ada.lovelace", jobTitle="Countess")
    trusted = signed(site, keys, "trusted", "by somebody we trust")
    ticks = iter(range(0, 1000, 100))

    async def main() -> list[Files]:
        checkout = Checkout(
            Settings(directory=site.root), Clock(monotonic=lambda: next(ticks)), pulls=True, signed=True
        )
        found = [await checkout.current()]
        site.company.edit_person("ada.lovelace", jobTitle="Queen")
        signed(site, keys, "other", "by somebody else")
        found.append(await checkout.current())
        site.company.edit_person("ada.lovelace", jobTitle="Duchess")
        site.push("by nobody")
        found.append(await checkout.current())
        site.company.edit_person("ada.lovelace", jobTitle="Princess")
        signed(site, keys, "trusted", "again")
        found.append(await checkout.current())
        return found

    good, wrong, unsigned, again = asyncio.run(main())
    assert good.commit == trusted != first
    assert isinstance(wrong.not_pulled, Untrusted)
    assert isinstance(unsigned.not_pulled, Untrusted)
    assert "no signature" in unsigned.not_pulled.message
    assert wrong.commit == unsigned.commit == trusted
    assert unsigned.loaded is good.loaded
    assert again.not_pulled is None
    assert again.loaded.directory.users[UserId("ada.lovelace")].attributes["jobTitle"] == "Princess"


def test_whatever_lies_in_the_work_tree_a_trusted_commit_is_what_is_read(site: Site, keys: Keys) -> None:
    site.company.edit_person("ada.lovelace", jobTitle="Countess")
    trusted = signed(site, keys, "trusted", "trusted")
    git(site.root, "pull", "-q")
    used = asyncio.run(site.checkout(signed=True).current())
    assert used.commit == trusted
    (site.root / "users" / "ada.lovelace.yaml").write_text("id: [\n")
    git(site.root, "commit", "-qam", "untrusted, by whoever can write here")
    moved = asyncio.run(site.checkout(signed=True, earlier=lambda: [trusted]).current())
    assert isinstance(moved.refused, Untrusted)
    assert moved.commit == trusted
    with pytest.raises(Untrusted):
        asyncio.run(site.checkout(signed=True, earlier=lambda: [git(site.root, "rev-parse", "HEAD")]).current())


def test_who_is_trusted_can_not_be_a_matter_of_commits(site: Site, keys: Keys) -> None:
    git(site.root, "config", "gpg.ssh.allowedSignersFile", "signers")
    with pytest.raises(UsageError, match="any commit could change it"):
        asyncio.run(check_signed(site.root, "HEAD"))

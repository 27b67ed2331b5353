"""`reconciler demo`: the whole story, on the example company, against the sandbox. Leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.sandbox import Sandbox
    from reconciler.session import Settings

TOKEN = "HOOTSUITE_SCIM_TOKEN"  # noqa: S105  the variable that holds it, not the token
ANSWERS = ("whoIsThis:user:ada.lovelace", "whoIsThis:user:linus.byrne", "whoIsThis:group:social-media")


@click.command()
@click.pass_context
def demo(context: click.Context) -> None:
    """Plan, apply, plan again, drift, repair: the example company against the embedded sandbox.

    Everything runs on this machine, in a temporary folder, and is gone afterwards.
    """
    try:
        from reconciler.sandbox import Sandbox, running
    except ImportError as error:
        raise ReconcilerError(f"the sandbox needs {error.name}", hint="pip install 'reconciler[sandbox]'") from error

    sandbox = Sandbox("hootsuite", users=6)
    _seed(sandbox)
    with running(sandbox) as url, _company(url) as folder:
        context.exit(_story(sandbox, folder, url))


def _story(sandbox: Sandbox, folder: Path, url: str) -> int:
    """Returns 0 if every step came out as it is told, else 1."""
    say = _Teller()
    say.step(
        "A sandbox that behaves as Hootsuite is documented, and an example company in YAML",
        f"listening at {url}, with {len(sandbox.users)} accounts; 20 requests a second are its limit",
    )
    say.step(
        "reconciler plan",
        "who would gain and who would lose what; nothing is written",
        "Three questions are held: two accounts and a team can't be told apart from somebody else's for sure",
    )
    say.check(_plan(folder), 3)
    say.step(
        "reconciler apply " + " ".join(f"--allow {a}" for a in ANSWERS),
        "a person answered the questions: they are the same people, and the same team",
    )
    say.check(_apply(folder, ANSWERS), 0)
    say.step("reconciler plan", "applied and planned again: nothing to do")
    say.check(_plan(folder), 0)
    say.step(
        "Meanwhile, in Hootsuite …",
        "somebody changes Grace Hopper's title, puts Victor Hale into the Crisis Team, and suspends Tom Baker",
    )
    _meddle(sandbox)
    say.step(
        "reconciler apply",
        "what was changed or given there is repaired; the suspension may be somebody stopping an incident: "
        "it is held, with its question",
    )
    say.check(_apply(folder, ()), 3)
    say.step("reconciler plan", "two repaired; the question stays until somebody answers it")
    say.check(_plan(folder), 3)
    return say.end(sandbox)


class _Teller:
    """Explains each step in a line, and notices if one comes out otherwise."""

    def __init__(self) -> None:
        self.number = 0
        self.surprises: list[str] = []

    def step(self, title: str, *lines: str) -> None:
        self.number += 1
        click.echo()
        click.secho(f"── {self.number}  {title}", fg="cyan", bold=True)
        for line in lines:
            click.secho(f"   {line}", dim=True)
        click.echo()
        self.title = title

    def check(self, code: int, expected: int) -> None:
        if code != expected:
            self.surprises.append(f"step {self.number}, {self.title}: exit code {code}, not {expected}")

    def end(self, sandbox: Sandbox) -> int:
        click.echo()
        for surprise in self.surprises:
            click.secho(f"not as told: {surprise}", fg="red", err=True)
        if not self.surprises:
            click.secho(f"Done: {len(sandbox.requests)} requests, every step as told. ", fg="green", nl=False)
            click.echo("Nothing is left running. README says how to do it with your own files.")
        return 1 if self.surprises else 0


def _plan(folder: Path) -> int:
    from reconciler.cli.plans import planned

    return asyncio.run(planned(_settings(folder, ()), form="text", verbose=False))


def _apply(folder: Path, answers: tuple[str, ...]) -> int:
    from reconciler.cli.apply import applied
    from reconciler.cli.applying import Wish

    settings = _settings(folder, answers)
    return asyncio.run(applied(settings, Wish(yes=True)))


def _settings(folder: Path, answers: tuple[str, ...]) -> Settings:
    from reconciler.session import Settings

    return Settings(folder, allow=answers, allow_env=(TOKEN,))


@contextmanager
def _company(url: str) -> Iterator[Path]:
    """A copy of the example company whose tenant is the sandbox."""
    before = os.environ.get(TOKEN)
    os.environ[TOKEN] = "any-token-will-do"
    with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as temporary:
        folder = Path(temporary) / "desired-state"
        shutil.copytree(example(), folder, ignore=shutil.ignore_patterns(".reconciler"))
        file = folder / "apps" / "hootsuite" / "app.yaml"
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"(?m)^tenantUrl: .*$", f"tenantUrl: {url}", text, count=1), encoding="utf-8")
        try:
            yield folder
        finally:
            os.environ.pop(TOKEN, None)
            if before is not None:
                os.environ[TOKEN] = before


def example() -> Path:
    """The example company: installed beside the package, or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "example", package.parent / "desired-state"):
        if (folder / "apps").is_dir():
            return folder
    raise ReconcilerError("the example company is not installed", hint="run the demo in a checkout: make demo")


def _seed(sandbox: Sandbox) -> None:
    """Accounts that need care."""
    sandbox.add_user(
        "Grace@contoso.com",
        displayName="Grace Hopper",
        title="Marketing Director",
        name={"givenName": "Grace", "familyName": "Hopper"},
    )
    ada = sandbox.add_user(
        "ada.byron@contoso.com", displayName="Ada Byron", name={"givenName": "Ada", "familyName": "Byron"}
    )
    sandbox.add_user(
        "linus@contoso.com", displayName="Linus Byrne", active=False, name={"givenName": "Linus", "familyName": "Byrne"}
    )
    mallory = sandbox.add_user(
        "mallory@contoso.com", displayName="Mallory Quick", name={"givenName": "Mallory", "familyName": "Quick"}
    )
    sandbox.add_user("breakglass@contoso.com", displayName="Break Glass")
    sandbox.add_group("Social", [ada, mallory])
    sandbox.add_group("Interns 2023")


def _meddle(sandbox: Sandbox) -> None:
    """What people do in the application behind everybody's back."""
    sandbox.edit_user(sandbox.user_id("grace@contoso.com"), title="Emperor")
    sandbox.add_member(sandbox.group_id("Crisis Team"), sandbox.user_id("victor@contoso.com"))
    sandbox.edit_user(sandbox.user_id("tom@contoso.com"), active=False)

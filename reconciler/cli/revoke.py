"""`reconciler revoke`: access taken away at once, in all apps, without a pull request."""

from __future__ import annotations

import asyncio
import contextlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.revoke import Revoked
    from reconciler.cli.alone import Alone
    from reconciler.model.directory import User
    from reconciler.model.state import Revocation
    from reconciler.session import Settings

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_PARTIAL = 4


@click.command()
@click.argument("key", metavar="user:ID|account:ID")
@options.directory
@click.option("--reason", required=True, metavar="TEXT", help="Why: every plan says it until the revocation ends.")
@click.option("--for", "duration", metavar="24h", help="End by itself after so many m, h or d; else when released.")
@click.option("--even-protected", is_flag=True, help="Also somebody whom guardrails.protected names.")
@click.option("--even-unknown", is_flag=True, help="Also an id that no file, memory or commit knows.")
@options.apps
@options.state
@options.outgoing
@options.output
@options.settings
@click.pass_context
def revoke(
    context: click.Context,
    settings: Settings,
    key: str,
    reason: str,
    duration: str | None,
    even_protected: bool,
    even_unknown: bool,
    form: str,
) -> None:
    """Deactivate somebody's accounts now, in all apps, and keep them so: every later plan respects it.

    Reads the apps' own files and no others, acts also where provisioning is off, and waits for no apply that runs.
    Exit code 0: no access is left; 4: somewhere it is, or nobody knows; 1: no account was touched.
    """
    from reconciler.cli.alone import open_alone

    identity = parse_key(key)
    if not reason.strip():
        from reconciler.errors import UsageError

        raise UsageError("--reason is empty", hint="say why: every plan says it until the revocation ends")
    now = datetime.now(UTC).replace(microsecond=0)
    until = None if duration is None else now + _duration(duration)
    alone = open_alone(settings)
    if key.startswith("account:") and len(alone.apps) + len(alone.broken) > 1:
        from reconciler.errors import UsageError

        raise UsageError(f"{key}: an id means an account of one app", hint="name the app with --app NAME")
    described = _described(alone, key, identity)
    person = described if key.startswith("user:") else None
    if key.startswith("user:") and person is None and not even_unknown:
        _check_known(alone, key, identity)
    done = asyncio.run(
        _everywhere(alone, settings, key, person, reason=reason, until=until, now=now, even_protected=even_protected)
    )
    known = described is not None or any(each.account for each in done)
    if form == "json":
        _print_json(alone, key, done, reason, until, described)
    else:
        _print(alone, key, done, until, described)
    context.exit(_exit_code(alone, done, known=known))


def parse_key(key: str) -> str:
    """The id in user:ID or account:ID. Raises UsageError."""
    from reconciler.errors import UsageError

    kind, _, identity = key.partition(":")
    if kind in ("user", "account") and identity:
        return identity
    raise UsageError(f"{key}: neither user:ID nor account:ID", hint="such as user:ada.lovelace")


def _duration(text: str) -> timedelta:
    from reconciler.errors import UsageError

    found = re.fullmatch(r"([1-9]\d{0,4})([mhd])", text)
    if found is None:
        raise UsageError(f"--for {text}: not a duration", hint="minutes, hours or days: 30m, 24h, 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _described(alone: Alone, key: str, identity: str) -> User | None:
    """Whose file it is: the person, or the one whom a memory binds the account to."""
    from reconciler.desired import find_person
    from reconciler.errors import ReconcilerError

    if key.startswith("user:"):
        return find_person(alone.files, identity)
    for name, app in alone.apps.items():
        with contextlib.suppress(ReconcilerError):
            bindings = alone.states.load(name, app.tenant_url).bindings
            owner = next((k for k, b in bindings.items() if b["id"] == identity and k.startswith("user:")), None)
            if owner is not None:
                return find_person(alone.files, owner[5:])
    return None


def _check_known(alone: Alone, key: str, identity: str) -> None:
    """Raises UsageError for an id that was never anybody's: a mistyped one. Whatever can't be asked may know it."""
    from difflib import get_close_matches

    from reconciler.desired import file_stems, is_known
    from reconciler.errors import ReconcilerError, UsageError

    if alone.broken:
        return
    ids = set(file_stems(alone.files.root))
    for name, app in alone.apps.items():
        try:
            memory = alone.states.load(name, app.tenant_url)
        except ReconcilerError:
            return
        if key in memory.bindings or key in memory.revocations:
            return
        ids |= {each[5:] for each in memory.bindings if each.startswith("user:")}
    if is_known(alone.files.root, identity):
        return
    near = " or ".join(f"user:{each}" for each in get_close_matches(identity, sorted(ids), 3))
    meant = f"did you mean {near}? " if near else ""
    raise UsageError(
        f"{key}: no file, no memory and no commit knows this id, and nobody was revoked",
        hint=f"{meant}account:ID revokes an account, and --even-unknown an id that nobody has yet",
    )


async def _everywhere(
    alone: Alone, settings: Settings, key: str, person: User | None, *, reason: str, until: datetime | None,
    now: datetime, even_protected: bool,
) -> list[Revoked]:  # fmt: skip
    """All apps at the same time: one that does not answer keeps no other waiting."""
    from reconciler.apply.revoke import Result, Revoked
    from reconciler.desired import find_person
    from reconciler.errors import ReconcilerError
    from reconciler.model.state import Revocation
    from reconciler.plan import instant
    from reconciler.state.lease import user

    former = [] if person is None else [str(each["id"]) for each in person.formerly if "id" in each]
    former = [each for each in former if find_person(alone.files, each) is None]

    async def one(name: str) -> Revoked:
        revocation = Revocation(
            reason=reason, at=instant(now), by=user(), until=None if until is None else instant(until)
        )
        try:
            return await _one(
                alone, settings, name, key, person, revocation, now, former, even_protected=even_protected
            )
        except ReconcilerError as error:
            return Revoked(name, Result.FAILED, message=str(error).replace("\n    ", " — "), trouble="not reached")

    return list(await asyncio.gather(*(one(name) for name in alone.apps)))


async def _one(
    alone: Alone, settings: Settings, name: str, key: str, person: User | None, revocation: Revocation, now: datetime,
    former: list[str], *, even_protected: bool,
) -> Revoked:  # fmt: skip
    from reconciler.apply.revoke import Revoking
    from reconciler.project import leaver
    from reconciler.session import connected, profile_of

    app = alone.apps[name]
    profile = profile_of(app)
    journal = alone.states.folder / "journals" / f"{name}-revoke-{now:%Y%m%dT%H%M%S}Z.jsonl"
    revoking = Revoking(
        app,
        profile,
        alone.states,
        key,
        revocation,
        leaver(app, profile, alone.files.directory(), person, now),
        person.accounts.get(name) if person is not None else None,
        journal,
        now,
        even_protected,
        former,
    )
    return await revoking.run(lambda: connected(app, profile, alone.files.root, settings))


def _exit_code(alone: Alone, done: Sequence[Revoked], *, known: bool) -> int:
    from reconciler.apply.revoke import WITHOUT_ACCESS

    if all(each.settled for each in done) and not alone.broken:
        return 0 if known else 1
    return _PARTIAL if any(each.result in WITHOUT_ACCESS or each.remembered for each in done) else 1


def _print(alone: Alone, key: str, done: Sequence[Revoked], until: datetime | None, person: User | None) -> None:
    from reconciler.cli.plans import style
    from reconciler.render import InApp, revocation

    apps = [InApp(d.app, str(d.result), d.account, d.name, d.message, d.trouble, d.busy) for d in done]
    end = None if until is None else f"{until:%Y-%m-%d %H:%M} UTC"
    permanent = None if person is None else (f"{person.file}:{person.line}", str(person.id))
    click.echo(revocation(key, apps, alone.broken, style(), until=end, permanent=permanent), nl=False)


def _print_json(
    alone: Alone, key: str, done: Sequence[Revoked], reason: str, until: datetime | None, person: User | None
) -> None:
    import orjson

    from reconciler.plan import instant

    document: dict[str, Any] = {
        "format": "reconciler.revocation/1",
        "key": key,
        "reason": reason,
        "until": None if until is None else instant(until),
        "apps": [
            {
                "app": each.app,
                "result": each.result,
                "account": each.account,
                "name": each.name or None,
                "message": each.message or None,
                "remembered": each.remembered,
                "trouble": each.trouble or None,
                "busy": each.busy,
                "journal": str(each.journal) if each.journal else None,
            }
            for each in done
        ],
        "broken": alone.broken,
        "permanent": None if person is None else {"file": person.file, "line": person.line, "accountEnabled": False},
    }
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())

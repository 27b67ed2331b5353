"""What the questions about evidence have in common: the past of the files, days, and the history beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.evidence import Past
    from reconciler.model.access import Leaver
    from reconciler.model.plan import Soon

_DAYS_BACK = 30


@contextmanager
def opened_past(
    directory: Path | None, apps: Sequence[str], user: str | None = None
) -> Iterator[tuple[Past, Path, tzinfo]]:
    """The past, the folder, and the zone in which days are meant: that of the files of now."""
    from reconciler.cli.progress import Progress
    from reconciler.desired import load_apps_alone
    from reconciler.desired.load import zone_of
    from reconciler.evidence import Past
    from reconciler.model.values import UserId
    from reconciler.session import Settings, root_of

    root = root_of(Settings(directory))
    person = None if user is None else UserId(user.removeprefix("user:"))
    zone = zone_of(load_apps_alone(root, apps or None).settings)
    with Progress("access") as progress, Past(root, apps or None, progress, person=person) as past:
        yield past, root, zone


def moment_on(text: str | None, zone: tzinfo) -> datetime:
    """The last second of a day in `zone`, or the time that is written; the present if nothing is. Raises UsageError."""
    from reconciler.model.window import EXAMPLE, closes_at
    from reconciler.render import safe

    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        moment = closes_at(text, zone)
    except ValueError as error:
        raise UsageError(f"{safe(text)} is neither a day nor a time with an offset", hint=EXAMPLE) from error
    return moment - timedelta(seconds=1) if "T" not in text else moment


def _beginning(text: str, zone: tzinfo) -> datetime:
    """The first second of a day, or the time that is written."""
    moment = moment_on(text, zone)
    return moment if "T" in text else moment - timedelta(days=1) + timedelta(seconds=1)


def found_leavers(
    directory: Path | None,
    apps: Sequence[str],
    user: str | None,
    since: str | None,
    sla: str | None,
    url: str | None,
    until: datetime | None = None,
) -> tuple[list[Leaver], timedelta | None]:
    """Whoever lost access, the first in time first, with what the history knows. Raises UsageError."""
    from reconciler.cli.monitored import history_of
    from reconciler.evidence import leavers_since
    from reconciler.evidence.leavers import leaver
    from reconciler.model.history import LogFilter
    from reconciler.model.interval import interval_of
    from reconciler.session import Settings

    try:
        allowed = None if sla is None else interval_of(sla)
    except ValueError as error:
        raise UsageError(f"--sla {sla}: {error}", hint="minutes, hours or days: 30m, 24h, 2d") from error
    now = until or datetime.now(UTC).replace(microsecond=0)
    person = None if user is None else f"user:{user.removeprefix('user:')}"
    with opened_past(directory, apps, user) as (past, root, zone):
        start = now - timedelta(days=_DAYS_BACK) if since is None else _beginning(since, zone)
        lost = leavers_since(past, root, start, now, lambda grant: person is None or grant.key == person)
    file = root.resolve() / ".reconciler" / "history.db"
    if url is None and not file.exists():
        if allowed is not None:
            raise UsageError(
                f"there is no history yet: {file}", hint="when access ended is known from there: --history"
            )
        return [leaver(*each, (), (), now=now, sla=None) for each in lost], None
    with history_of(Settings(directory), url) as history:
        names = {grant.app for grant, _, _ in lost}
        cycles = {name: [c for c in history.cycles(name, since=start) if c.status == "success"] for name in names}
        return [
            leaver(
                *each, history.log(LogFilter(key=each[0].key, app=each[0].app)), cycles[each[0].app],
                now=now, sla=allowed,
            )
            for each in lost
        ], allowed  # fmt: skip


def ahead(directory: Path | None, apps: Sequence[str], days: int) -> tuple[list[tuple[str, Soon]], datetime]:
    """What starts and ends in so many days, by the files as they lie here; and when they were committed."""
    from dataclasses import replace

    from reconciler.desired.timeline import timeline
    from reconciler.project import project
    from reconciler.session import Settings, load, profile_of

    loaded = load(Settings(directory, apps))
    now = datetime.now(UTC).replace(microsecond=0)
    farther = replace(loaded.directory, soon_days=days)
    decisions, _ = timeline(loaded.root)
    found = [
        (name, each)
        for name, app in loaded.apps.items()
        for each in project(farther, app, profile_of(app), places=loaded.places[name], as_of=now).soon
    ]
    return found, decisions[0].merged_at if decisions else now


def exported(
    directory: Path | None,
    out: Path,
    apps: Sequence[str],
    *,
    on: str | None,
    since: str | None,
    sla: str | None,
    sign: Path | None,
    history: str | None,
) -> int:
    """Writes the folder, whole or not at all. Returns how many files. Raises UsageError for one that is there."""
    from reconciler.cli.saved import Signer
    from reconciler.evidence import answered, between
    from reconciler.evidence.bundle import SUMS, bundled
    from reconciler.render.access import (
        ACCESS,
        CHANGES,
        LEAVERS,
        access_rows,
        as_csv,
        as_document,
        change_rows,
        instant,
        leaver_rows,
        review_text,
    )  # fmt: skip

    if out.exists():
        raise UsageError(f"{out} is there already", hint="name a new folder: evidence is not mixed")
    signer = None if sign is None else Signer(sign)
    with opened_past(directory, apps) as (past, root, zone):
        moment = moment_on(on, zone)
        start = moment - timedelta(days=_DAYS_BACK) if since is None else moment_on(since, zone)
        rows = access_rows(answered(past, root, moment, lambda _: True))
    with opened_past(directory, apps) as (past, root, _):
        changes = change_rows(between(past, root, start, moment, lambda _: True))
        commit = past.decisions[0].commit
    left, allowed = found_leavers(directory, apps, None, instant(start), sla, history, until=moment)
    tables = (("access", rows, ACCESS), ("changes", changes, CHANGES), ("leavers", leaver_rows(left), LEAVERS))
    files: dict[str, bytes] = {"review.md": review_text(rows, instant(moment)).encode()}
    for name, found, columns in tables:
        files[f"{name}.csv"] = as_csv(found, columns).encode()
        document = as_document(found, columns, format=f"reconciler.{name}/1", on=instant(moment))
        files[f"{name}.json"] = orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
    folder = root / ".reconciler" / "journals"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_file():
            files[f"journals/{path.name}"] = path.read_bytes()
    facts = {"on": instant(moment), "since": instant(start), "commit": commit, "sla": sla if allowed else None}
    whole = bundled(files, facts)
    if signer is not None:
        whole[f"{SUMS}.sig"] = signer.private.sign(whole[SUMS])
    _write(out, whole)
    return len(whole)


def _write(out: Path, files: Mapping[str, bytes]) -> None:
    """Beside, then renamed: there is no half of it. Raises UsageError."""
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        for name, content in files.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        beside.rename(out)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise UsageError(f"{out} can't be written: {error.strerror}", hint="name another folder") from error

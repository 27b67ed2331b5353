"""The history of all apps, in SQLite or PostgreSQL: what was done, to whom, why, and what is still open.

Every method is one transaction, and may be called from any thread. Each raises HistoryError where the database can't be
used.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Self, TypeVar

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from reconciler.errors import HistoryError, UsageError
from reconciler.model.history import Backoff, Cycle, Entry, Held, LogFilter, Notice, Quarantine, Trigger
from reconciler.service.history.erasing import Traces, erase, pseudonym, traces
from reconciler.service.history.leading import leader
from reconciler.service.history.rows import cycle_of, cycle_row, entry_of, entry_row, plain_row
from reconciler.service.history.schema import migrate
from reconciler.service.history.tables import BACKOFFS, CYCLES, ENTRIES, HELD, NOTICES, QUARANTINES, SUBJECTS
from reconciler.state.engine import WRITES, engine_of, file_of, make_private, parsed, reason, shown

T = TypeVar("T")
_LOT = 1000
"""Rows written, or read, at once."""
_LARGE_LOT = 20_000
_SHORTEST = 12
"""Hexadecimal digits of a digest that name what was held."""


def new_cycle_id(now: datetime) -> str:
    """Sorts by time, and is nobody else's."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}{now.microsecond // 1000:03}Z-{secrets.token_hex(4)}"


class History:
    def __init__(self, engine: Engine, url: URL) -> None:
        self._engine = engine
        self._url = url

    @classmethod
    def open(cls, url: str) -> Self:
        """`sqlite:///PATH` or `postgresql://…`; made and brought up to date if need be. Raises HistoryError."""
        try:
            where = parsed(url)
            engine = engine_of(where)
        except UsageError as error:
            raise UsageError(f"--history: {error.message}", hint=error.hint) from error
        history = cls(engine, where)
        try:
            if (file := file_of(where)) is not None:
                make_private(file)
        except OSError as error:
            raise HistoryError(
                f"{shown(where)} can't be written: {error.strerror}", hint="name another place"
            ) from error
        with history._transaction() as connection:
            migrate(connection, shown(where))
        return history

    def close(self) -> None:
        self._engine.dispose()

    @property
    def where(self) -> str:
        """For people to read: without a password."""
        return shown(self._url)

    # cycles

    def begin(self, cycle: Cycle) -> None:
        with self._transaction() as connection:
            connection.execute(insert(CYCLES).values(cycle_row(cycle)))

    def update(self, cycle: Cycle) -> None:
        """Writes all of it, whatever stood there."""
        with self._transaction() as connection:
            connection.execute(update(CYCLES).where(CYCLES.c.id == cycle.id).values(cycle_row(cycle)))

    def abandon(self, app: str, now: datetime) -> list[Cycle]:
        """Cycles of this app that are still running become `abandoned`: whoever ran them is gone."""
        with self._transaction() as connection:
            running = and_(CYCLES.c.app == app, CYCLES.c.status == "running")
            found = [cycle_of(row) for row in connection.execute(select(CYCLES).where(running)).mappings()]
            connection.execute(update(CYCLES).where(running).values(status="abandoned", ended_at=now))
        return [replace(each, status="abandoned", ended_at=now) for each in found]

    def cycles(
        self,
        app: str | None = None,
        *,
        limit: int | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> list[Cycle]:
        """Newest first."""
        wanted = select(CYCLES).order_by(CYCLES.c.started_at.desc(), CYCLES.c.id.desc()).limit(limit)
        for clause in _given((app, CYCLES.c.app.__eq__), (since, CYCLES.c.started_at.__ge__),
                             (before, CYCLES.c.started_at.__lt__)):  # fmt: skip
            wanted = wanted.where(clause)
        with self._transaction(writes=False) as connection:
            return [cycle_of(row) for row in connection.execute(wanted).mappings()]

    def last(self, app: str, *, trigger: Trigger | None = None) -> Cycle | None:
        """The one that began last."""
        wanted = select(CYCLES).where(CYCLES.c.app == app).order_by(CYCLES.c.started_at.desc()).limit(1)
        if trigger is not None:
            wanted = wanted.where(CYCLES.c.trigger == trigger)
        with self._transaction(writes=False) as connection:
            row = connection.execute(wanted).mappings().first()
        return None if row is None else cycle_of(row)

    # entries

    def write(self, entries: Iterable[Entry]) -> None:
        """All or none of them."""
        rows = iter(entries)
        with self._transaction() as connection:
            while lot := list(islice(rows, _LOT)):
                connection.execute(insert(ENTRIES), [entry_row(each) for each in lot])
                people = {(e.app, e.key): {"app": e.app, "key": e.key, "name": e.name,
                                           "folded": f"{e.key} {e.name}".casefold()} for e in lot}  # fmt: skip
                self._put(connection, SUBJECTS, list(people.values()))

    def log(self, wanted: LogFilter) -> Iterator[Entry]:
        """In lots: what is read may be longer than the memory. Entries that come meanwhile are not in it."""
        left, last, newest = wanted.limit, None, wanted.newest_first
        by_time = wanted.key is None and wanted.cycle is None and (wanted.since or wanted.before) is not None
        order = [ENTRIES.c.at, ENTRIES.c.number] if by_time else [ENTRIES.c.number]  # of a day by the index of times
        clauses = list(_given(
            (wanted.app, ENTRIES.c.app.__eq__), (wanted.status, ENTRIES.c.status.__eq__),
            (wanted.action, ENTRIES.c.action.__eq__), (wanted.cycle, ENTRIES.c.cycle.__eq__),
            (wanted.since, ENTRIES.c.at.__ge__), (wanted.before, ENTRIES.c.at.__lt__),
            (wanted.key, lambda key: or_(ENTRIES.c.key == key, ENTRIES.c.group == key)),
        ))  # fmt: skip
        while left is None or left > 0:
            query = select(ENTRIES).where(*clauses).order_by(*(each.desc() if newest else each for each in order))
            if last is not None:
                reached = tuple_(*(literal(last[each.name], each.type) for each in order))
                query = query.where(tuple_(*order) < reached if newest else tuple_(*order) > reached)
            with self._transaction(writes=False) as connection:
                rows = connection.execute(query.limit(_LOT if left is None else min(left, _LOT))).mappings().all()
            yield from (entry_of(row) for row in rows)
            if len(rows) < _LOT:
                return
            last = rows[-1]
            left = None if left is None else left - len(rows)

    def people(self, text: str, *, app: str | None = None, limit: int = 20) -> list[tuple[str, str]]:
        """(key, name) of those whose key or name has this text in it, whatever its case."""
        wanted = select(SUBJECTS.c.key, func.max(SUBJECTS.c.name)).where(
            SUBJECTS.c.folded.contains(text.casefold(), autoescape=True)
        )
        if app is not None:
            wanted = wanted.where(SUBJECTS.c.app == app)
        wanted = wanted.group_by(SUBJECTS.c.key).order_by(SUBJECTS.c.key).limit(limit)
        with self._transaction(writes=False) as connection:
            return [(key, name) for key, name in connection.execute(wanted)]

    # care

    def quarantine(self, app: str) -> Quarantine | None:
        with self._transaction(writes=False) as connection:
            row = connection.execute(select(QUARANTINES).where(QUARANTINES.c.app == app)).mappings().first()
        return None if row is None else Quarantine(**row)

    def set_quarantine(self, quarantine: Quarantine) -> None:
        with self._transaction() as connection:
            self._put(connection, QUARANTINES, [plain_row(quarantine)])

    def clear_quarantine(self, app: str) -> None:
        with self._transaction() as connection:
            connection.execute(delete(QUARANTINES).where(QUARANTINES.c.app == app))

    def backoffs(self, app: str) -> dict[str, Backoff]:
        with self._transaction(writes=False) as connection:
            rows = connection.execute(select(BACKOFFS).where(BACKOFFS.c.app == app)).mappings()
            return {row["key"]: Backoff(**row) for row in rows}

    def set_backoffs(self, app: str, rows: Iterable[Backoff], cleared: Iterable[str] = ()) -> None:
        gone = list(cleared)
        with self._transaction() as connection:
            for start in range(0, len(gone), _LOT):
                lot = gone[start : start + _LOT]
                connection.execute(delete(BACKOFFS).where(BACKOFFS.c.app == app, BACKOFFS.c.key.in_(lot)))
            self._put(connection, BACKOFFS, [plain_row(each) for each in rows])

    def held(self, app: str) -> Held | None:
        with self._transaction(writes=False) as connection:
            row = connection.execute(select(HELD).where(HELD.c.app == app)).mappings().first()
        return None if row is None else Held(**row)

    def keep_held(self, held: Held | None, app: str) -> None:
        """What is held now. None: nothing is. The same as before keeps its time and its approval."""
        with self._transaction() as connection:
            same = HELD.c.app == app
            if held is None:
                connection.execute(delete(HELD).where(same))
                return
            before = connection.execute(select(HELD.c.digest).where(same)).scalar()
            if before != held.digest:
                self._put(connection, HELD, [plain_row(held)])

    def held_as(self, digest: str) -> Held:
        """What is held with this digest, or with one that begins so: 12 digits at least. Raises HistoryError."""
        given = digest.lower().removeprefix("sha256:")
        with self._transaction(writes=False) as connection:
            rows = [Held(**row) for row in connection.execute(select(HELD).order_by(HELD.c.app)).mappings()]
        found = [each for each in rows if each.digest.removeprefix("sha256:").startswith(given)]
        if len(given) < _SHORTEST or not re.fullmatch("[0-9a-f]+", given) or len(found) != 1:
            raise HistoryError(_not_found(digest, given, found, rows), hint=_what_there_is(rows))
        return found[0]

    def approve(self, digest: str, by: str, at: datetime) -> Held:
        """Of what is held by then, as `held_as` finds it. Raises HistoryError."""
        found = self.held_as(digest)
        which = and_(HELD.c.app == found.app, HELD.c.digest == found.digest)
        with self._transaction() as connection:
            if not connection.execute(update(HELD).where(which).values(approved_by=by, approved_at=at)).rowcount:
                raise HistoryError(f"{found.app} holds something else by now", hint="`reconciler status` shows it")
        return replace(found, approved_by=by, approved_at=at)

    def used(self, app: str, digest: str) -> None:
        """The approval was carried out, or can't be any more: it works once."""
        with self._transaction() as connection:
            which = and_(HELD.c.app == app, HELD.c.digest == digest)
            connection.execute(update(HELD).where(which).values(approved_by=None, approved_at=None))

    def noticed(self, app: str, event: str, subject: str) -> bool:
        """Whether that was told, on some channel at least."""
        which = and_(
            NOTICES.c.app == app, NOTICES.c.event == event, NOTICES.c.subject == subject, NOTICES.c.error == ""
        )
        with self._transaction(writes=False) as connection:
            return connection.execute(select(NOTICES.c.number).where(which).limit(1)).first() is not None

    def notice(self, notice: Notice) -> None:
        with self._transaction() as connection:
            connection.execute(insert(NOTICES).values(plain_row(notice)))

    def notices(self, app: str | None = None, limit: int = 50) -> list[Notice]:
        """Newest first."""
        columns = [column for column in NOTICES.c if column.name != "number"]
        wanted = select(*columns).order_by(NOTICES.c.number.desc()).limit(limit)
        if app is not None:
            wanted = wanted.where(NOTICES.c.app == app)
        with self._transaction(writes=False) as connection:
            return [Notice(**row) for row in connection.execute(wanted).mappings()]

    # life

    def leader(self, name: str, lost: Callable[[], None] | None = None) -> AbstractContextManager[bool]:
        """Whether we alone have this name until the block ends: another process, or another block, gets False.

        Who dies, dies without it. `lost` is called, once and in another thread, if it is lost before the end: a
        database that went away may give it to somebody else.
        """
        return leader(self._engine, self._url, name, lost)

    def restart(self, app: str, *, full: bool = False) -> None:
        """Forgets that anything failed. `full`: no cycle before counts as having read the app with today's
        configuration, so that the next one is initial.
        """
        with self._transaction() as connection:
            if full:
                connection.execute(update(CYCLES).where(CYCLES.c.app == app).values(config_digest=""))
            connection.execute(delete(QUARANTINES).where(QUARANTINES.c.app == app))
            connection.execute(delete(BACKOFFS).where(BACKOFFS.c.app == app))

    def prune(self, before: datetime) -> int:
        """Forgets cycles, entries and notices from before, in lots, so that nobody waits long. Returns how many entries
        these were.
        """
        gone = 0
        while lot := self._prune(before):
            gone += lot
        with self._transaction() as connection:
            connection.execute(delete(NOTICES).where(NOTICES.c.at < before))
            connection.execute(delete(CYCLES).where(CYCLES.c.started_at < before, CYCLES.c.status != "running"))
            if gone:
                there = select(ENTRIES.c.number).where(ENTRIES.c.key == SUBJECTS.c.key, ENTRIES.c.app == SUBJECTS.c.app)
                connection.execute(delete(SUBJECTS).where(~there.exists()))
        return gone

    def _prune(self, before: datetime) -> int:
        old = select(ENTRIES.c.number).where(ENTRIES.c.at < before).limit(_LARGE_LOT)
        with self._transaction() as connection:
            return connection.execute(delete(ENTRIES).where(ENTRIES.c.number.in_(old.scalar_subquery()))).rowcount

    def erase(self, key: str, instead: str | None = None) -> int:
        """Removes the values of a person: id, names, what was before and after, and what was said. The events stay,
        under a name that leads to nobody: `instead`, or one that is made. What is held and names the person is
        forgotten until the next cycle. Returns how many entries were changed.
        """
        with self._transaction() as connection:
            return erase(connection, traces(connection, key), instead or pseudonym())

    def traces(self, key: str) -> Traces:
        """What leads to this person, as far as the history knows it: to be removed elsewhere too."""
        with self._transaction(writes=False) as connection:
            return traces(connection, key)

    # how

    @contextmanager
    def _transaction(self, *, writes: bool = True) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(**{WRITES: writes}) as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            raise HistoryError(
                f"the history in {self.where} can't be {'written' if writes else 'read'}: {reason(error, self._url)}",
                hint="see that the database is there and lets us in; --history names another one",
            ) from None

    def _put(self, connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        """New rows, or new values of those that are there."""
        if not rows:
            return
        build = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        statement = build(table)
        names = [column.name for column in table.columns if not column.primary_key]
        keys = [column.name for column in table.primary_key]
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=keys, set_={name: statement.excluded[name] for name in names}
            ),
            list(rows),
        )


def _given(*pairs: tuple[Any, Any]) -> Iterator[ColumnElement[bool]]:
    return (compare(value) for value, compare in pairs if value is not None)


def _not_found(digest: str, given: str, found: Sequence[Held], rows: Sequence[Held]) -> str:
    if not rows:
        return "nothing is held"
    if len(given) < _SHORTEST or not re.fullmatch("[0-9a-f]+", given):
        return f"{digest}: a digest is sha256: and hexadecimal digits, of which {_SHORTEST} will do"
    if found:
        return f"{digest} is held in several apps: {', '.join(each.app for each in found)}"
    return f"nothing with the digest {digest} is held: it was done, or something changed since it was shown"


def _what_there_is(rows: Sequence[Held]) -> str:
    return "; ".join(f"{each.app} holds {each.digest}" for each in rows) or "`reconciler status` shows what is"

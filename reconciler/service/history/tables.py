"""The tables of the history. A change here needs a migration in `migrations/versions`: a test compares both."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)


class Moment(TypeDecorator[datetime]):
    """An aware datetime; SQLite keeps it as text in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A value of JSON; what is empty is not kept."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        if not value:
            return None
        try:
            return orjson.dumps(value).decode()
        except TypeError:  # half of a character
            return orjson.dumps(_storable(value)).decode()

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Any:
        return orjson.loads(value) if value else None


class Words(TypeDecorator[str]):
    """Text of whatever length. Names come from servers: half of a character (a lone surrogate) and NUL, which no
    database keeps, become U+FFFD, in what is looked for too.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


def storable(text: str) -> str:
    """As every database keeps it."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {_storable(key): _storable(each) for key, each in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list | tuple) else value


METADATA = MetaData()
_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # what SQLite counts up by itself is called INTEGER

CYCLES = Table(
    "cycles",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("app", String(255), nullable=False),
    Column("tenant_url", Words, nullable=False),
    Column("trigger", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("status", String(16), nullable=False),
    Column("exit_code", Integer),
    Column("commit", String(64)),
    Column("config_digest", String(80), nullable=False),
    Column("desired_digest", String(80), nullable=False),
    Column("plan_digest", String(80), nullable=False),
    Column("changes_digest", String(80), nullable=False),
    Column("tool_version", String(64), nullable=False),
    Column("counts", Json),
    Column("requests", Integer, nullable=False),
    Column("trouble", Json),
    Column("held_digest", String(80)),
    Column("journal", Words),
    Index("cycles_of_app", "app", "started_at"),
    Index("cycles_by_time", "started_at"),
    Index("cycles_by_status", "app", "status"),
)
ENTRIES = Table(
    "entries",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("cycle", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("app", String(255), nullable=False),
    Column("key", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("action", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("id", Words),
    Column("group", Words),
    Column("origin", String(16)),
    Column("modified", Json),
    Column("steps", Json),
    Column("trouble", Json),
    Column("commit", String(64)),
    Column("verified", Boolean, nullable=False),
    Index("entries_of_key", "key", "number"),
    Index("entries_of_group", "group", "number"),
    Index("entries_of_app", "app", "number"),
    Index("entries_of_cycle", "cycle"),
    Index("entries_by_time", "at"),
    Index("entries_by_status", "status", "number"),
)
SUBJECTS = Table(
    "subjects",
    METADATA,
    Column("app", String(255), primary_key=True),
    Column("key", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("folded", Words, nullable=False),
)
"""Who is in the entries at all: to be searched by name. `folded`: key and name, without case."""
QUARANTINES = Table(
    "quarantines",
    METADATA,
    Column("app", String(255), primary_key=True),
    Column("began", Moment, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("message", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt", Moment),
    Column("desired_digest", String(80), nullable=False),
)
BACKOFFS = Table(
    "backoffs",
    METADATA,
    Column("app", String(255), primary_key=True),
    Column("key", Words, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("first_failed", Moment, nullable=False),
    Column("next_attempt", Moment, nullable=False),
    Column("removal", Boolean, nullable=False),
    Column("message", Words, nullable=False),
    Column("content", String(80), nullable=False),
)
HELD = Table(
    "held",
    METADATA,
    Column("app", String(255), primary_key=True),
    Column("digest", String(80), nullable=False),
    Column("plan", Words, nullable=False),
    Column("since", Moment, nullable=False),
    Column("approved_by", Words),
    Column("approved_at", Moment),
)
NOTICES = Table(
    "notices",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("app", String(255), nullable=False),
    Column("at", Moment, nullable=False),
    Column("event", String(32), nullable=False),
    Column("subject", Words, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("error", Words, nullable=False),
    Index("notices_of_app", "app", "number"),
)

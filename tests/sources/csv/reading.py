"""A table given as bytes or text, and what becomes of it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.directory import User
from reconciler.model.settings import CustomAttribute
from reconciler.model.values import UserId
from reconciler.sources.csv import Found, Table, Told, choose, named, open_table, people_of, recognized


def opened(data: bytes | str, told: Iterable[Told] = (), *, encoding: str = "", delimiter: str = "") -> Table:
    content = data.encode() if isinstance(data, str) else data
    headings = [one.heading for one in told]
    return open_table(
        io.BytesIO(content),
        "people.csv",
        lambda row: recognized(row, headings, ()),
        encoding=named(encoding) if encoding else None,
        delimiter=delimiter,
    )


def found_in(
    data: bytes | str,
    told: Iterable[Told] = (),
    custom: Mapping[str, CustomAttribute] | None = None,
    existing: Iterable[User] = (),
) -> Found:
    said = list(told)
    table = opened(data, said)
    columns = choose(table.headings, said, custom or {})
    return people_of(table, columns, custom or {}, {user.id: user for user in existing})


def values_in(data: bytes | str, **others: Any) -> dict[str, dict[str, Any]]:
    return {identity: record.values for identity, record in found_in(data, **others).draft.users.items()}


def refusals_in(data: bytes | str, **others: Any) -> list[tuple[int, str]]:
    return [(one.line, one.why) for one in found_in(data, **others).refusals]


def user(identity: str, **attributes: str) -> User:
    return User(UserId(identity), dict(attributes), f"users/{identity}.yaml", 1, {})

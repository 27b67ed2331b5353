"""People: users/**.yaml. Bulk: one pass over the keys of each person, without a model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from typing import Any

from reconciler.desired.document import Document, Entries, Mark
from reconciler.desired.findings import Findings, shown
from reconciler.desired.form import ENDS, Form, entries_of
from reconciler.errors import Place
from reconciler.model.directory import GRAPH_ATTRIBUTES, MULTI_VALUED, User
from reconciler.model.settings import CustomAttribute
from reconciler.model.values import UserId, Value

KINDS = ("person", "service", "shared")
_TEXT = frozenset(GRAPH_ATTRIBUTES) - MULTI_VALUED - {"accountEnabled"}
OWN_KEYS = ("id", "kind", "owner", "accountEnabled", "formerly", "accounts", *ENDS)


@dataclass(slots=True)
class Reference:
    """A user's attribute that names another user."""

    user: UserId
    attribute: str
    target: str
    file: str
    mark: Mark

    @property
    def place(self) -> Place:
        return Place(self.file, self.mark.line + 1, self.mark.column + 1)


@dataclass(slots=True, frozen=True, eq=False)
class KeyLines(Mapping[str, int]):
    """Key → line. People who have the same keys in the same order share one `layout`: key → lines below the first."""

    first: int
    layout: Mapping[str, int]

    def __getitem__(self, key: str) -> int:
        return self.first + self.layout[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layout)

    def __len__(self) -> int:
        return len(self.layout)


@dataclass(slots=True)
class People:
    """Collects users; ids are unique across files."""

    findings: Findings
    custom: dict[str, CustomAttribute]
    apps: Collection[str]
    zone: tzinfo = UTC
    """In which whole days are meant."""
    judges_keys: bool = True
    """False: nobody knows which custom attributes there are."""
    users: dict[str, User] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    complete: bool = True
    """False: somebody has no usable id."""
    _layouts: dict[tuple[tuple[str, ...], tuple[int, ...]], dict[str, int]] = field(default_factory=dict)
    _text: frozenset[str] = field(init=False)
    _known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        plain = {name for name, custom in self.custom.items() if custom.type == "string" and not custom.multi_valued}
        self._text = _TEXT | plain
        self._known = frozenset((*GRAPH_ATTRIBUTES, *self.custom, *OWN_KEYS))

    def read(self, documents: Iterable[Document]) -> None:
        for document in documents:
            form = Form(document, self.findings)
            for entries, alone in entries_of(form, "a person"):
                self._add(form, entries, alone)

    def _add(self, form: Form, entries: Entries, alone: bool) -> None:
        identity = form.identity(entries, alone, "a person")
        user = self._user(form, entries, identity or "")
        if identity is None:
            self.complete = False
            return
        if identity in self.users:
            first = self.users[identity]
            where = form.place(entries.marks["id"] if "id" in entries else entries.mark)
            self.findings.error(
                where,
                f"two people have the id `{identity}`: here and {first.file}:{first.lines.get('id', first.line)}",
                "an id belongs to one person for ever: give one of them another",
            )
            return
        self.users[identity] = user

    def _user(self, form: Form, entries: Entries, identity: str) -> User:
        attributes: dict[str, Value] = {}
        rest: list[str] = []
        text = self._text
        for key in entries:
            if key in text and type(value := entries[key]) is str:
                attributes[key] = value
            elif key != "id":
                rest.append(key)
        user = User(UserId(identity), attributes, form.document.file, entries.mark.line + 1, self._lines(entries))
        for key in rest:
            self._field(form, entries, key, user)
        if "from" in entries or "until" in entries:
            user.window = form.window(entries, self.zone)
        if "manager" in attributes:
            self._refer(entries, "manager", user)
        if user.kind != "person" or user.owner:
            self._check_owner(form, entries, user)
        return user

    def _lines(self, entries: Entries) -> KeyLines:
        first, marks = entries.mark.line, entries.key_marks
        below = [mark.line - first for mark in marks.values()]
        return KeyLines(first + 1, self.layout(tuple(marks), tuple(below)))

    def layout(self, keys: tuple[str, ...], below: tuple[int, ...]) -> dict[str, int]:
        """The one of all who have these keys, each so many lines below the first."""
        found = self._layouts.get((keys, below))
        if found is None:
            found = self._layouts[keys, below] = dict(zip(keys, below, strict=True))
        return found

    def _field(self, form: Form, entries: Entries, key: str, user: User) -> None:
        """Everything that is not plain text under a name of Graph's."""
        match key:
            case "accountEnabled":
                enabled = form.flag(entries, key)
                user.enabled = enabled if enabled is not None else user.enabled
            case "kind":
                user.kind = self._kind(form, entries)
            case "owner":
                user.owner = form.text(entries, key) or ""
            case "formerly":
                user.formerly = form.formerly(entries, self._text)
            case "accounts":
                user.accounts = form.accounts(entries, self.apps)
            case _ if key in self._text:
                form.text(entries, key)
            case _ if key in MULTI_VALUED:
                if values := form.texts(entries, key):
                    user.attributes[key] = values
            case _ if key in self.custom:
                self._custom(form, entries, key, user)
            case "from" | "until":
                pass  # both together are one window
            case _ if self.judges_keys:
                form.unknown(entries, key, self._known, "a person")

    def _kind(self, form: Form, entries: Entries) -> str:
        kind = form.text(entries, "kind")
        if kind is None or kind in KINDS:
            return kind or "person"
        hint = self.findings.did_you_mean(kind, KINDS)
        form.error(entries.marks["kind"], f"`kind` can't be `{shown(kind)}`", hint)
        return "person"

    def _check_owner(self, form: Form, entries: Entries, user: User) -> None:
        if user.owner:
            self._refer(entries, "owner", user)
        if entries.get("kind", "person") not in KINDS:
            return
        if user.kind == "person":
            if user.owner:
                form.error(
                    entries.key_marks["owner"], "a person has no `owner`", "owners go with `kind: service` or `shared`"
                )
        elif not user.owner:
            form.error(
                entries.marks["kind"],
                f"`kind: {user.kind}` needs an `owner`",
                "add `owner:` with the id of the person who answers for it",
            )

    def _custom(self, form: Form, entries: Entries, key: str, user: User) -> None:
        custom = self.custom[key]
        if entries[key] is None:
            return
        if custom.multi_valued:
            values = [self._typed(form, value, mark, key, custom.type) for value, mark in form.items(entries, key)]
            user.attributes[key] = tuple(value for value in values if value is not None)
        elif (value := self._typed(form, entries[key], entries.marks[key], key, custom.type)) is not None:
            user.attributes[key] = value
        if custom.type == "reference" and key in user.attributes:
            self._refer(entries, key, user)

    def _typed(self, form: Form, value: Any, mark: Mark, key: str, kind: str) -> Value:
        if kind == "boolean" and not isinstance(value, bool):
            form.error(mark, f"`{key}` must be true or false")
        elif kind == "integer" and (not isinstance(value, int) or isinstance(value, bool)):
            form.error(mark, f"`{key}` must be a whole number")
        elif kind == "date" and not _is_date(value):
            form.error(mark, f"`{key}` must be a date", "such as 2026-11-23")
        elif kind in ("string", "reference"):
            return form.as_text(value, mark, f"`{key}`")
        else:
            return value
        return None

    def _refer(self, entries: Entries, key: str, user: User) -> None:
        target = user.owner if key == "owner" else user.attributes[key]
        for one in (target,) if isinstance(target, str) else target:
            self.references.append(Reference(user.id, key, one, user.file, entries.marks[key]))


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and len(value) == len("2026-11-23") and bool(date.fromisoformat(value))
    except ValueError:
        return False

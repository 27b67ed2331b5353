"""Groups: groups/**.yaml, one a file or a list in a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciler.desired.document import Document, Entries, Mark
from reconciler.desired.findings import Findings, kind_of
from reconciler.desired.form import Form, entries_of
from reconciler.errors import Place
from reconciler.model.directory import Group, Member, User
from reconciler.model.values import GroupId, UserId

ATTRIBUTES = ("displayName", "description")
_KEYS = (*ATTRIBUTES, "id", "sensitive", "formerly", "members", "accounts")
_MEMBER_KEYS = ("user", "group", "reason")


@dataclass(frozen=True, slots=True)
class Naming:
    """An entry that names a member: user or group `target` in the group `group`."""

    group: GroupId
    target: str
    place: Place
    nested: bool


@dataclass(slots=True)
class Groups:
    """Collects groups. People must have been read: members are looked up among them."""

    findings: Findings
    users: dict[str, User]
    apps: Collection[str]
    groups: dict[str, Group] = field(default_factory=dict)
    complete: bool = True
    """False: some group has no usable id."""
    nestings: list[Naming] = field(default_factory=list)
    """Every nested group, to be looked up when all groups are read."""
    strangers: list[Naming] = field(default_factory=list)
    """Members who are nobody's id."""
    _lines: dict[int, int] = field(default_factory=dict)

    def read(self, documents: Iterable[Document]) -> None:
        for document in documents:
            form = Form(document, self.findings)
            for entries, alone in entries_of(form, "a group"):
                self._add(form, entries, alone)

    def _add(self, form: Form, entries: Entries, alone: bool) -> None:
        identity = form.identity(entries, alone, "a group")
        group = self._group(form, entries, identity or "")
        if identity is None:
            self.complete = False
            return
        if identity in self.groups:
            first = self.groups[identity]
            self.findings.error(
                form.place(entries.marks["id"] if "id" in entries else entries.mark),
                f"two groups have the id `{identity}`: here and {first.file}:{first.lines.get('id', first.line)}",
                "give one of them another",
            )
            return
        self.groups[identity] = group

    def _group(self, form: Form, entries: Entries, identity: str) -> Group:
        lines = {key: mark.line + 1 for key, mark in entries.key_marks.items()}
        group = Group(GroupId(identity), {}, (), form.document.file, entries.mark.line + 1, lines)
        for key in entries:
            if key in ATTRIBUTES:
                if (text := form.text(entries, key)) is not None:
                    group.attributes[key] = text
            elif key == "sensitive":
                group.sensitive = bool(form.flag(entries, key))
            elif key == "formerly":
                group.formerly = form.formerly(entries, ATTRIBUTES)
            elif key == "accounts":
                group.accounts = form.accounts(entries, self.apps)
            elif key == "rules":
                form.not_yet(entries, key)
            elif key not in _KEYS:
                form.unknown(entries, key, _KEYS, "a group")
        if "members" in entries:
            group.members = self._members(form, entries, group)
        return group

    def _members(self, form: Form, entries: Entries, group: Group) -> tuple[Member, ...]:
        member: Member | None
        members: list[Member] = []
        seen: dict[tuple[str | None, str | None], int] = {}
        for value, mark in form.items(entries, "members"):
            if type(value) is str and (known := self.users.get(value)):
                # the person's own text, and numbers that other groups have too: one in memory, not one an entry
                member = Member(self._lines.setdefault(line := mark.line + 1, line), user=known.id)
            else:
                member = self._member(form, value, mark, group)
            if member is None:
                continue
            who = (member.user, member.group)
            if who in seen:
                name = member.user or member.group
                hint = "remove one of them"
                self.findings.warning(form.place(mark), f"`{name}` is listed twice, first in line {seen[who]}", hint)
                continue
            seen[who] = member.line
            members.append(member)
        return tuple(members)

    def _member(self, form: Form, value: Any, mark: Mark, group: Group) -> Member | None:
        if not isinstance(value, Entries):
            user = form.identifier(value, mark, "a member") if not isinstance(value, list) else None
            if isinstance(value, list):
                form.error(mark, f"a member must be an id or a mapping, this is {kind_of(value)}")
            return self._person(form, user, mark, group) if user else None
        reason = ""
        for key in value:
            if key == "reason":
                reason = form.text(value, key) or ""
            elif key in ("from", "until"):
                form.not_yet(value, key)
            elif key not in _MEMBER_KEYS:
                form.unknown(value, key, _MEMBER_KEYS, "a member")
        if ("user" in value) == ("group" in value):
            form.error(value.mark, "a member is exactly one of `user` and `group`")
            return None
        key = "user" if "user" in value else "group"
        target = form.identifier(value[key], value.marks[key], f"`{key}`")
        if target is None:
            return None
        if key == "user":
            return self._person(form, target, value.marks[key], group, reason, mark.line + 1)
        if group.sensitive:
            form.error(value.marks[key], "a sensitive group has no nested groups", "name its members one by one")
        self.nestings.append(Naming(group.id, target, form.place(value.marks[key]), nested=True))
        return Member(mark.line + 1, group=GroupId(target), reason=reason)

    def _person(self, form: Form, target: str, mark: Mark, group: Group, reason: str = "", line: int = 0) -> Member:
        if target not in self.users:
            self.strangers.append(Naming(group.id, target, form.place(mark), nested=False))
        return Member(line or mark.line + 1, user=UserId(target), reason=reason)

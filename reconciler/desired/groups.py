"""Groups: groups/**.yaml, one a file or a list in a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from reconciler.desired.document import Document, Entries, Mark
from reconciler.desired.findings import Findings, kind_of
from reconciler.desired.form import ENDS, Form, entries_of
from reconciler.desired.rules import Rules
from reconciler.errors import Place
from reconciler.model.directory import Group, Member, User
from reconciler.model.settings import CustomAttribute
from reconciler.model.values import GroupId, UserId
from reconciler.model.window import ALWAYS, Window

ATTRIBUTES = ("displayName", "description")
_KEYS = (*ATTRIBUTES, "id", "sensitive", "formerly", "members", "accounts", "rules")
_MEMBER_KEYS = ("user", "group", "reason", *ENDS)


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
    custom: Mapping[str, CustomAttribute] = field(default_factory=dict)
    zone: tzinfo = UTC
    """In which whole days are meant."""
    judges_keys: bool = True
    """False: nobody knows which custom attributes there are."""
    groups: dict[str, Group] = field(default_factory=dict)
    complete: bool = True
    """False: some group has no usable id."""
    nestings: list[Naming] = field(default_factory=list)
    """Every nested group, to be looked up when all groups are read."""
    strangers: list[Naming] = field(default_factory=list)
    """Members who are nobody's id."""
    _lines: dict[int, int] = field(default_factory=dict)
    _rules: Rules = field(init=False)

    def __post_init__(self) -> None:
        self._rules = Rules(self.custom, judges_keys=self.judges_keys)

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
            elif key not in _KEYS:
                form.unknown(entries, key, _KEYS, "a group")
        if "members" in entries:
            group.members = self._members(form, entries, group)
        if "rules" in entries:
            group.rules = self._rules.read(form, entries, sensitive=group.sensitive)
        return group

    def _members(self, form: Form, entries: Entries, group: Group) -> tuple[Member, ...]:
        member: Member | None
        members: list[Member] = []
        seen: dict[tuple[str | None, str | None], dict[Window, int]] = {}
        for value, mark in form.items(entries, "members"):
            if type(value) is str and (known := self.users.get(value)):
                # the person's own text, and numbers that other groups have too: one in memory, not one an entry
                member = Member(self._lines.setdefault(line := mark.line + 1, line), user=known.id)
            else:
                member = self._member(form, value, mark, group)
            if member is None:
                continue
            who = (member.user, member.group)
            before = seen.get(who)
            if before is None:
                seen[who] = {member.window: member.line}
            elif not self._again(form.place(mark), member, before):
                continue
            members.append(member)
        return tuple(members)

    def _again(self, place: Place, member: Member, before: dict[Window, int]) -> bool:
        """Whether an entry says more than those before about the same member: another window."""
        twice = f"`{member.user or member.group}` is listed twice, first in line {next(iter(before.values()))}"
        if member.window in before:
            self.findings.warning(place, twice, "remove one of them")
            return False
        if member.window is ALWAYS or ALWAYS in before:
            self.findings.warning(
                place, f"{twice}: once without end, so the window has no effect", "remove one of them"
            )
        before[member.window] = member.line
        return True

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
            elif key not in _MEMBER_KEYS:
                form.unknown(value, key, _MEMBER_KEYS, "a member")
        window = form.window(value, self.zone) if "from" in value or "until" in value else ALWAYS
        if ("user" in value) == ("group" in value):
            form.error(value.mark, "a member is exactly one of `user` and `group`")
            return None
        key = "user" if "user" in value else "group"
        target = form.identifier(value[key], value.marks[key], f"`{key}`")
        if target is None:
            return None
        if key == "user":
            member = self._person(form, target, value.marks[key], group)
            return Member(mark.line + 1, user=member.user, reason=reason, window=window)
        if group.sensitive:
            form.error(value.marks[key], "a sensitive group has no nested groups", "name its members one by one")
        self.nestings.append(Naming(group.id, target, form.place(value.marks[key]), nested=True))
        return Member(mark.line + 1, group=GroupId(target), reason=reason, window=window)

    def _person(self, form: Form, target: str, mark: Mark, group: Group) -> Member:
        if target not in self.users:
            self.strangers.append(Naming(group.id, target, form.place(mark), nested=False))
        return Member(mark.line + 1, user=UserId(target))

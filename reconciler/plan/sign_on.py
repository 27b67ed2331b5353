"""Can everybody sign in? What the identity provider will send of each person, beside what the accounts hold.

Judged as if what is pending were applied. Notes alone, one for each kind, with the first few: nothing here is a change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final

from reconciler.model.comparison import Comparison, equal
from reconciler.model.desired import Column, Person
from reconciler.model.directory import User
from reconciler.model.path import parse_path
from reconciler.model.plan import CreateUser, DeactivateUser, DeleteUser, Note, Origin
from reconciler.model.sso import SignOn, Sso
from reconciler.model.values import UNSET, Flow, Redacted, UserId, is_null, user_key
from reconciler.plan.context import Context

FEW: Final = 3
"""Examples in one note."""
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\Z")
_HIRED: Final = "employeeHireDate"


def sign_on_notes(context: Context, sign_on: SignOn) -> list[Note]:
    """For an app with `sso`; nothing for others."""
    sso, app = context.app.sso, context.app.name
    if sso is None:
        return []
    told = [f for f in sign_on.findings if f.ok is not True]
    notes = [
        Note(code="ssoMetadata", key=app, text=f"{each.what}{f' ({each.hint})' if each.hint else ''}") for each in told
    ]
    judged = _Judged.of(context, sso)
    if judged is None:
        text = "no mapping of users matches: there is nothing to compare with what people sign in with"
        return [*notes, Note(code="ssoNameId", key=app, text=text)]
    judged.judge()
    notes += [Note(code="ssoNameId", key=app, text=text) for text in judged.names(email=sign_on.email)]
    notes += [Note(code="ssoCase", key=app, text=text) for text in judged.other_case()]
    if judged.unread:
        text = f"{judged.path} was not read: what people sign in with was not compared with their accounts"
        return [*notes, Note(code="ssoNameId", key=app, text=text)]
    if context.snapshot.source != "files":
        notes += [Note(code="ssoNoAccount", key=app, text=text) for text in judged.without_account()]
        notes += [Note(code="ssoFirstSignIn", key=app, text=text) for text in judged.first_sign_in()]
        notes += [Note(code="ssoNobody", key=app, text=text) for text in judged.nobody()]
    return notes


@dataclass(slots=True)
class _Judged:
    context: Context
    sso: Sso
    column: Column
    match: int
    """Its position among the matching columns."""
    live: int
    """Its position in the snapshot's rows."""
    exact: bool
    creates: dict[str, CreateUser] = field(default_factory=dict)
    renamed: set[str] = field(default_factory=set)
    """Keys of whom the plan gives another value here."""
    going: set[str | None] = field(default_factory=set)
    """Ids of the accounts that the plan deactivates or deletes."""
    sent: dict[str, list[str]] = field(default_factory=dict)
    """What is sent, as it is compared → keys."""
    held: dict[str, str] = field(default_factory=dict)
    """What accounts of people in scope hold, as it is compared → key."""
    differs: list[tuple[str, str, str]] = field(default_factory=list)
    """(key, sent, held) of whom it is not the same."""
    case: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    """Whose value is no e-mail address."""
    homeless: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, context: Context, sso: Sso) -> _Judged | None:
        """By the matching mapping that is made of the same attribute, else by the first. None: nothing matches."""
        columns = sorted((c for c in context.desired.user_columns if c.matching), key=lambda c: c.matching)
        if not columns:
            return None
        at = next((n for n, each in enumerate(columns) if each.source == sso.attribute), 0)
        column = columns[at]
        rule = Comparison(context.profile.compare).rule(parse_path(column.path))
        return cls(context, sso, column, at, context.column(column.path), rule.exact)

    @property
    def path(self) -> str:
        return self.column.path

    @property
    def unread(self) -> bool:
        return self.live < 0 or self.path in self.context.snapshot.unread_user_paths

    def judge(self) -> None:
        """Looks at everybody once."""
        for change in self.context.changes:
            if change.held:
                continue
            if isinstance(change, CreateUser):
                self.creates[change.key] = change
            elif isinstance(change, (DeactivateUser, DeleteUser)):
                self.going.add(change.id)
            elif self.path in getattr(change, "set", ()):
                self.renamed.add(change.key)
        for number, person in enumerate(self.context.desired.people):
            if person.wanted:
                self._one(number, person)
        for user in self.context.desired.left_out:
            found = self._sent(self.context.desired.directory.users[user])
            if found:
                self.sent.setdefault(self._bare(found), []).append(user_key(user))

    def _one(self, number: int, person: Person) -> None:
        key, sent = user_key(person.user.id), self._sent(person.user)
        if not sent:
            self.missing.append(key)
        else:
            self.sent.setdefault(self._bare(sent), []).append(key)
            if not _ADDRESS.match(sent):
                self.odd.append(key)
        at = self.context.users.found.get(number)
        if at is None and key not in self.creates:
            if number not in self.context.users.ignored:
                self.homeless.append(key)
            return
        held = self._held(person, at, key)
        if held:
            self.held.setdefault(self._bare(held), key)
        if not sent or held is None:
            return
        if not equal(sent, held, exact=self.exact):
            self.differs.append((key, sent, held))
        elif sent != held:
            self.case.append(key)

    def _held(self, person: Person, at: int | None, key: str) -> str | None:
        """What the account has once the plan is carried out; None: nobody knows."""
        if at is None or key in self.renamed:
            return _text(person.match[self.match])
        return None if self.unread else _text(self.context.snapshot.accounts[at].values[self.live])

    def _sent(self, user: User) -> str:
        name = self.sso.attribute
        return str(user.id) if name == "id" else _text(user.attributes.get(name)) or ""

    def _bare(self, text: str) -> str:
        return text if self.exact else text.casefold()

    def names(self, *, email: bool) -> Iterator[str]:
        """Who can't sign in, or is let in as somebody else: the worst first."""
        word, whose = self.sso.word, {**self._strangers(), **self.held}
        others = {
            key: other
            for key, sent, _ in self.differs
            if (other := whose.get(self._bare(sent))) is not None and other != key
        }
        if others:
            told = [f"{key} to that of {other}" for key, other in others.items()]
            yield f"{_people(others)} would be signed in to somebody else's account: {_first(told)}"
        shared = [" and ".join(keys[:FEW]) for keys in self.sent.values() if len(keys) > 1]
        if shared:
            number = f"{len(shared):,} values are" if len(shared) > 1 else "one value is"
            yield f"{number} sent as {word} by more than one person: {_first(shared)}"
        differs = [self._told(*each) for each in self.differs if each[0] not in others]
        if differs:
            what = f"the {word} is not what the account has as {self.path}"
            yield f"{_people(differs)} can't sign in: {what}: {_first(differs)}"
        if self.missing:
            what = f"no {self.sso.attribute}, and so no {word}"
            yield f"{_people(self.missing)} can't sign in: {what}: {_first(self.missing)}"
        if email and self.odd:
            what = "what is sent is no e-mail address, and the identity provider says that it sends one"
            yield f"{_people(self.odd)} can't sign in: {what}: {_first(self.odd)}"

    def other_case(self) -> Iterator[str]:
        """What the schema calls equal, and many applications do not."""
        if self.case:
            what = f"the {self.sso.word} has other upper and lower case than {self.path} of the account"
            why = "and many applications compare exactly"
            yield f"{_people(self.case)} may not be able to sign in: {what}, {why}: {_first(self.case)}"

    def _strangers(self) -> dict[str, str]:
        """What active accounts hold that belong to nobody in scope → whose they are."""
        return {} if self.unread else {self._bare(self._value(at)): self.context.key_of(at) for at in self._unowned()}

    def _unowned(self) -> Iterator[int]:
        """Active accounts of nobody in scope, that the plan leaves so."""
        people, owner = self.context.desired.people, self.context.users.owner
        for at, account in enumerate(self.context.snapshot.accounts):
            if account.active and account.id not in self.going and not (at in owner and people[owner[at]].wanted):
                yield at

    def _value(self, at: int) -> str:
        return _text(self.context.snapshot.accounts[at].values[self.live]) or ""

    def _told(self, key: str, sent: str, held: str) -> str:
        if any(column.redacts for column in self.context.desired.user_columns):  # perhaps of the same attribute
            return key
        return f"{key} ({sent}; the account has {held or 'nothing'})"

    def without_account(self) -> Iterator[str]:
        """In scope, and so let in by the identity provider; held, blocked or in question here."""
        if self.homeless:
            what = "could sign in, without an account here, and this plan makes none"
            yield f"{_people(self.homeless)} {what}: {_first(self.homeless)}"

    def first_sign_in(self) -> Iterator[str]:
        """Who is created though the way in was open before: the application may have made an account of its own."""
        today = self.context.as_of.date().isoformat()
        users = self.context.desired.directory.users
        late = sorted(
            key
            for key, change in self.creates.items()
            if change.origin is not Origin.THIS_CHANGE
            and str(users[UserId(key[5:])].attributes.get(_HIRED) or "")[:10] <= today
        )
        if late:
            what = "get their account now, and may have signed in before"
            why = "an account that the application made at the first sign-in would be in the way"
            yield f"{_people(late)} {what} ({why}): {_first(late)}"

    def nobody(self) -> Iterator[str]:
        """Active accounts that no NameID leads to. Only where all accounts were looked at."""
        context = self.context
        if context.snapshot.partial or context.snapshot.blind:
            return
        left = [
            at
            for at in self._unowned()
            if at not in context.ignored_accounts
            and at not in context.left_out
            and at != context.acts_as
            and self._bare(self._value(at)) not in self.sent
        ]
        if left:
            names = nsmallest(FEW, (context.login(at) for at in left))
            what = f"{len(left):,} active accounts" if len(left) > 1 else "1 active account"
            more = f" and {len(left) - FEW:,} more" if len(left) > FEW else ""
            yield f"nobody in scope can sign in to {what}: {', '.join(names)}{more}"


def _text(value: Flow) -> str | None:
    """None: what it is shows only when it is written."""
    if isinstance(value, Redacted):
        return _text(value.value)
    if value is UNSET or is_null(value):
        return ""
    return str(value) if isinstance(value, str | int | float) else None


def _people(some: Collection[object]) -> str:
    return "1 person" if len(some) == 1 else f"{len(some):,} people"


def _first(texts: Sequence[str]) -> str:
    more = len(texts) - FEW
    return ", ".join(texts[:FEW]) + (f" and {more:,} more" if more > 0 else "")

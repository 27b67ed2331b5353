"""People who lose their account: who left scope, who is disabled, who is gone from git, whom nobody manages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from reconciler.model.plan import DeactivateUser, DeleteUser, Difference, Held, Note, Origin, Reason, Source
from reconciler.model.values import UNSET, Flow, Reference, RemoteId, UserId, user_key
from reconciler.plan.context import Context, Known
from reconciler.plan.difference import Comparer, Differences
from reconciler.plan.resemblance import bare
from reconciler.plan.revocations import is_revoked, revoked_accounts

ALWAYS_DEACTIVATED: Final = frozenset({Reason.DISABLED, Reason.OUTSIDE_WINDOW, Reason.REVOKED, Reason.UNMANAGED})
"""Never deleted or kept, whatever `deprovision.users` says."""

UNKNOWN: Final = frozenset({Reason.UNMANAGED, Reason.LEFT_SCOPE, Reason.GONE_FROM_GIT})
"""Without a state nobody can know that these accounts are ours to take away."""


class Departures:
    """Makes the changes that take access away, found on every run until they are done."""

    def __init__(self, context: Context, comparer: Comparer) -> None:
        self.context = context
        self.comparer = comparer

    def leave(
        self, key: str, name: str, at: int, reason: Reason, source: Source | None, values: Sequence[Flow]
    ) -> None:
        context = self.context
        policy = "deactivate" if reason in ALWAYS_DEACTIVATED else context.app.deprovision.users
        account = context.snapshot.accounts[at]
        if policy == "keep":
            return
        differences = self.comparer.differences(values, account.values)
        active = account.active and not self._is_off(values, differences)
        delete = policy == "delete" and self._deletes(active=active)
        if not active and not delete:
            return
        why = context.guarded(key, at)
        if why:
            text = "the token belongs to this account" if why == "actsAs" else "protected: it is never removed"
            context.block(key, account.id, name, "deleteUser" if delete else "deactivateUser", why, text)
            return
        if policy == "delete" and not delete:
            context.block(key, account.id, name, "deleteUser", "appCannot", self._why_not_deleted())
        if not delete and not context.profile.users.deactivate:
            text = context.profile.cannot.get("deactivateUser", "the application can't deactivate a user")
            context.block(key, account.id, name, "deactivateUser", "appCannot", text)
            return
        context.leaving[at] = key
        left = self._left(key)
        drift = left is False and account.active
        origin = Origin.DRIFT if drift else Origin.PENDING
        asks = drift or (left is None and reason is not Reason.UNMANAGED)
        held = self._given(key) if asks and reason is not Reason.REVOKED else ()
        if reason in UNKNOWN and context.state.fresh:
            held = (*held, Held(by="stateMissing", release="deprovisionUsers"))
        groups = tuple(sorted(context.group_name(g) for g in context.member_of.get(at, ())))
        if delete:
            context.deleting.add(at)
            context.changes.append(
                DeleteUser(
                    key=key,
                    id=account.id,
                    name=name,
                    origin=origin,
                    reasons=(reason,),
                    source=source,
                    held=held,
                    groups=groups,
                )
            )
            return
        changed = {
            c.path: context.difference(key, c, b, a)
            for c, b, a in differences
            if c.soft and not isinstance(a, Reference)  # who goes needs no manager
        }
        if not changed:
            changed = {"active": Difference(before=True, after=False)}
        reasons = (reason, Reason.REPLACES_DELETE) if policy == "delete" else (reason,)
        context.changes.append(
            DeactivateUser(
                key=key,
                id=account.id,
                name=name,
                origin=origin,
                reasons=reasons,
                set=changed,
                source=source,
                held=held,
                groups=groups,
            )
        )

    def _deletes(self, *, active: bool) -> bool:
        """Whether DELETE is what is sent. Where it only deactivates it is, if nothing else does."""
        users = self.context.profile.users
        if users.delete_effect == "deactivated":
            return users.delete and not users.deactivate and active
        return users.delete

    def _why_not_deleted(self) -> str:
        profile = self.context.profile
        only = "deactivates what is deleted" if profile.users.delete else "has no way to delete a user"
        return profile.cannot.get("deleteUser", f"{profile.title} {only}")

    def _given(self, key: str) -> tuple[Held, ...]:
        release = f"givenInApp:{key}"
        if self.context.app.drift.given == "repair" or release in self.context.releases:
            return ()
        return (Held(by="givenInApp", release=release),)

    def _left(self, key: str) -> bool | None:
        """How an apply left the account: active or not; None where nobody remembers."""
        binding = self.context.binding(key)
        return None if binding is None else binding.get("active")

    def _is_off(self, values: Sequence[Flow], differences: Differences) -> bool:
        """Of what deactivation writes something is there, and nothing of it is left to write."""
        written = any(c.soft and values[position] is not UNSET for position, _, c, _ in self.comparer.compared)
        return written and not any(column.soft for column, _, _ in differences)

    @cached_property
    def _pinned(self) -> Mapping[str, str]:
        return _pins(self.context)

    def departed(self) -> None:
        """People whom we manage and who have no file any more, found on every run."""
        context = self.context
        people = context.desired.directory.users
        for key, binding in sorted(context.state.bindings.items()):
            if not key.startswith("user:") or key[5:] in people or key in context.users.moved:
                continue
            at = context.snapshot.numbers.get(binding["id"])  # type: ignore[call-overload]
            if at is None or at in context.users.owner or at in context.ignored_accounts or at in context.gone:
                continue
            if binding["id"] in self._pinned:
                continue
            context.gone[at] = key
            name = binding.get("name") or context.account_name(at)
            revoked = is_revoked(context, key, binding["id"])
            if at in context.users.contested and not (revoked or self.still_runs(at, name, binding.get("file", ""))):
                continue
            source = Source(file=binding["file"], line=1) if binding.get("file") else None
            reason = Reason.REVOKED if revoked else Reason.GONE_FROM_GIT
            self.leave(key, name, at, reason, source, context.desired.off)

    def revoked(self) -> None:
        """Accounts that were revoked and that nobody owns: also those in question, and those of nobody at all."""
        context = self.context
        for at in revoked_accounts(context):
            account, key = context.snapshot.accounts[at], context.key_of(at)
            if at in context.users.owner or at in context.gone or not account.active:
                continue
            if at in context.ignored_accounts:
                text = f"the account {context.account_name(at)} is under `ignore`"
                context.block(key, account.id, context.account_name(at), "deactivateUser", "ignored", text)
                continue
            self.leave(key, context.account_name(at), at, Reason.REVOKED, None, context.desired.off)

    def known(self) -> None:
        """Those of an earlier revision, where there is no memory to say whose account theirs is."""
        context = self.context
        for key, known, at in wanted_before(context, context.known):
            if at in context.gone or at in context.leaving:
                continue
            context.gone[at] = key
            described = UserId(key[5:]) in context.desired.directory.users
            reason = Reason.LEFT_SCOPE if described else Reason.GONE_FROM_GIT
            self.leave(key, known.name, at, reason, Source(file=known.file, line=1), context.desired.off)

    def still_runs(self, at: int, name: str, file: str) -> bool:
        """A contested account still loses the one it was bound to, unless both look the same."""
        context = self.context
        for number in context.users.contested.get(at, ()):
            user = context.desired.people[number].user
            same_name = bare(user.name) in (bare(name), bare(context.account_name(at)))
            if context.users.questions[number].former or same_name or (file and user.file == file):
                return False
        return True

    def unmanaged(self) -> None:
        """Accounts that nobody described; none is judged where not everybody was read."""
        context = self.context
        if context.snapshot.partial:
            return
        policy = context.app.unmanaged.users
        identity = context.users
        for at, account in enumerate(context.snapshot.accounts):
            if at in identity.owner or at in identity.contested or at in context.gone or at == context.acts_as:
                continue
            if at in context.left_out or at in context.leaving:
                continue
            if at in context.ignored_accounts:
                context.notes.append(
                    Note(code="ignored", key=context.key_of(at), id=account.id, text=context.account_name(at))
                )
            elif policy == "ignore":
                continue
            elif policy == "report" or at in context.namesakes:
                context.notes.append(
                    Note(
                        code="unmanagedUser",
                        key=context.key_of(at),
                        id=account.id,
                        text=context.login(at),
                    )
                )
            else:
                self.leave(
                    context.key_of(at), context.account_name(at), at, Reason.UNMANAGED, None, context.desired.off
                )


def wanted_before(context: Context, known: Mapping[str, Known]) -> Iterator[tuple[str, Known, int]]:
    """Whom an earlier revision wanted and this one does not, each with the account that was theirs, if it is nobody
    else's now and may be touched. `known`: whose account was whose then.
    """
    identity, pinned = context.users, _pins(context) if known else {}
    still = context.desired.numbers.keys() | context.desired.left_out.keys() if known else ()
    for key, each in sorted(known.items()):
        if not key.startswith("user:") or UserId(key[5:]) in still or key in identity.moved:
            continue
        at = context.snapshot.numbers.get(RemoteId(each.id))
        if at is None or at in identity.owner or at in identity.contested:
            continue
        if at in context.ignored_accounts or at in context.left_out or pinned.get(each.id, key) != key:
            continue
        yield key, each, at


def _pins(context: Context) -> Mapping[str, str]:
    """Account → key of whoever's file names it, also where nothing is wanted of them: a pin decides whose it is."""
    app = context.app.name
    users = context.desired.directory.users
    return {user.accounts[app]: user_key(id_) for id_, user in users.items() if app in user.accounts}

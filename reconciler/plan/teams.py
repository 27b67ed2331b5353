"""What happens to the application's groups themselves: created, adopted, updated, renamed, emptied, deleted."""

from __future__ import annotations

from functools import cached_property

from reconciler.model.desired import Column, DesiredGroup
from reconciler.model.plan import (
    AdoptGroup,
    BlockedReason,
    Candidate,
    CreateGroup,
    DeleteGroup,
    Difference,
    EmptyGroup,
    Held,
    MemberRef,
    Note,
    Origin,
    Reason,
    RenameGroup,
    Source,
    UpdateGroup,
)
from reconciler.model.snapshot import LiveGroup
from reconciler.model.values import UNSET, Choice, GroupId, app_group_key, is_null
from reconciler.plan.choices import Choices, all_taken
from reconciler.plan.context import Context
from reconciler.plan.difference import Comparer, digest
from reconciler.plan.identity import Question
from reconciler.plan.kept import gave_up
from reconciler.plan.membership import Membership


class Teams:
    """Makes the changes about groups; `membership` those about who is in them."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.columns = context.desired.group_columns
        snapshot = context.snapshot
        self.comparer = Comparer(
            self.columns,
            snapshot.group_paths,
            context.profile.comparison_of_groups,
            unread=snapshot.unread_group_paths,
        )
        self.membership = Membership(context)
        self.choices = Choices(
            self.columns,
            context.snapshot.group_paths,
            lambda: [group.values for group in context.snapshot.groups],
            lambda: [g.values for n, g in enumerate(context.desired.groups) if n not in context.groups.found],
        )

    def plan(self) -> None:
        for number, group in enumerate(self.context.desired.groups):
            self._group(number, group)
        self._departed()
        self._known()
        self._unmanaged()

    def _group(self, number: int, group: DesiredGroup) -> None:
        context, identity = self.context, self.context.groups
        key = f"group:{group.group.id}"
        question = identity.questions.get(number)
        if question is not None:
            held = self._ask(group, key, question)
            self.membership.plan(group, key, None, held)
            return
        if number in identity.ignored:
            at = identity.ignored[number]
            context.block(
                key,
                context.snapshot.groups[at].id,
                group.group.name,
                "createGroup",
                "ignored",
                f"the group {context.group_name(at)} is under `ignore`",
            )
            return
        live = identity.found.get(number)
        if live is None:
            holds = self._create(number, group, key)
            if holds is not None:
                self.membership.plan(group, key, None, holds)
        elif live in context.ignored_groups:
            context.block(
                key,
                context.snapshot.groups[live].id,
                group.group.name,
                "updateGroup",
                "ignored",
                "the group is under `ignore`",
            )
        elif live not in identity.contested:
            self._keep(number, group, key, live)
            self.membership.plan(group, key, live, ())

    def _source(self, group: DesiredGroup, attribute: str = "") -> Source:
        return Source(file=group.group.file, line=group.group.lines.get(attribute, group.group.line))

    def _create(self, number: int, group: DesiredGroup, key: str) -> tuple[Held, ...] | None:
        """What holds the creation; None if there is none."""
        context = self.context
        values = {}
        for position, (column, value) in enumerate(zip(self.columns, group.values, strict=True)):
            flows = column.default if (value is UNSET or is_null(value)) else value
            if isinstance(flows, Choice):
                chosen = self.choices.choose(position, flows)
                if chosen is None:
                    text = all_taken(column, flows)
                    context.block(key, None, group.group.name, "createGroup", "nameTaken", text)
                    return None
                flows = chosen
            if not is_null(flows):
                values[column.path] = Difference(after=context.difference(key, column, None, flows).after)
        lost = number in context.groups.lost
        release = f"takenAwayInApp:{key}"
        held: tuple[Held, ...] = ()
        if lost and context.app.drift.taken_away == "hold" and release not in context.releases:
            held = (Held(by="takenAwayInApp", release=release),)
        context.changes.append(
            CreateGroup(
                key=key,
                name=group.group.name,
                origin=Origin.DRIFT if lost else Origin.PENDING,
                reasons=(Reason.NEW_IN_SCOPE,),
                set=values,
                source=self._source(group),
                held=held,
            )
        )
        return held

    def _ask(self, group: DesiredGroup, key: str, question: Question) -> tuple[Held, ...]:
        context = self.context
        candidates = tuple(
            Candidate(
                id=context.snapshot.groups[at].id,
                name=context.group_name(at),
                active=True,
                bound=context.bound_groups.get(context.snapshot.groups[at].id),
            )
            for at in sorted(question.candidates, key=lambda at: context.snapshot.groups[at].id)
        )
        held = (Held(by="whoIsThis", release=f"whoIsThis:{key}"),)
        single = candidates[0].id if len(candidates) == 1 else None
        context.changes.append(
            AdoptGroup(
                key=key,
                id=single,
                name=group.group.name,
                reasons=(Reason.FOUND,),
                candidates=candidates,
                source=self._source(group),
                held=held,
            )
        )
        context.notes.append(Note(code="heldCandidate", key=key, id=single, text=question.why))
        return held

    def _keep(self, number: int, group: DesiredGroup, key: str, at: int) -> None:
        context = self.context
        live = context.snapshot.groups[at]
        refused = context.not_kept.get(key, {})
        differences = []
        for column, before, after in self.comparer.differences(group.values, live.values):
            if gave_up(refused, column, after, before):
                context.notes.append(
                    Note(code="notKept", key=key, text=f"{context.profile.title} does not keep {column.path}")
                )
            else:
                differences.append((column, before, after))
        found = number in context.groups.adopted
        if found:
            context.notes.append(
                Note(code="adopted", key=key, id=live.id, text=f"{context.group_name(at)} was there before us")
            )
        if not differences:
            return
        name = group.group.name
        renames = any(_renames(c) for c, _, _ in differences)
        if renames and context.group_guarded(key, at):
            context.block(key, live.id, name, "renameGroup", "protected", "protected: its name is never changed")
            renames = False
        elif renames and "renameGroup" in context.profile.cannot:
            context.block(key, live.id, name, "renameGroup", "appCannot", context.profile.cannot["renameGroup"])
            renames = False
        if not renames:
            differences = [d for d in differences if not _renames(d[0])]
        if not differences:
            return
        changed = {c.path: context.difference(key, c, b, a) for c, b, a in differences}
        binding = context.binding(key)
        drift = binding is not None and binding.get("wanted") == digest(tuple(group.values))
        kind = AdoptGroup if found else RenameGroup if renames else UpdateGroup
        reasons: tuple[Reason, ...] = (Reason.FOUND,) if found else ()
        reasons += (Reason.MATCHING_DIFFERS if renames else Reason.ATTRIBUTE_DIFFERS,)
        context.changes.append(
            kind(
                key=key,
                id=live.id,
                name=name,
                origin=Origin.DRIFT if drift else Origin.PENDING,
                reasons=reasons,
                set=changed,
                source=self._source(group, differences[0][0].source),
            )
        )

    # -- losses

    def _departed(self) -> None:
        """Groups that we manage and that are no group of this app any more."""
        context = self.context
        policy = context.app.deprovision.groups
        ours = {f"group:{g.group.id}" for g in context.desired.groups}
        numbers = {g.id: n for n, g in enumerate(context.snapshot.groups)}
        for key, binding in sorted(context.state.bindings.items()):
            if not key.startswith("group:") or key in ours or key in context.groups.moved:
                continue
            at = numbers.get(binding["id"])  # type: ignore[call-overload]
            if at is None or at in context.groups.owner or at in context.ignored_groups:
                continue
            context.groups.owner[at] = -1
            if policy == "keep" or at in context.groups.contested:
                continue
            file = binding.get("file")
            described = context.desired.directory.groups.get(key[6:])  # type: ignore[call-overload]
            reason = Reason.LEFT_SCOPE if described else Reason.GONE_FROM_GIT
            source = Source(file=file, line=1) if file else None
            self._remove(key, str(binding.get("name") or context.group_name(at)), at, policy, reason, source)

    def _known(self) -> None:
        """Groups that an earlier revision had and this one has not, where there is no memory to say which they are."""
        context, identity = self.context, self.context.groups
        ours = {f"group:{g.group.id}" for g in context.desired.groups}
        numbers = {str(g.id): n for n, g in enumerate(context.snapshot.groups)} if context.known else {}
        for key, known in sorted(context.known.items()):
            at = numbers.get(known.id)
            if not key.startswith("group:") or key in ours or key in identity.moved or at is None:
                continue
            if at in identity.owner or at in identity.contested or at in context.ignored_groups:
                continue
            identity.owner[at] = -1
            policy = context.app.deprovision.groups
            if policy != "keep":
                described = GroupId(key[6:]) in context.desired.directory.groups
                reason = Reason.LEFT_SCOPE if described else Reason.GONE_FROM_GIT
                self._remove(key, known.name, at, policy, reason, Source(file=known.file, line=1))

    def _unmanaged(self) -> None:
        context = self.context
        policy = context.app.unmanaged.groups
        if context.snapshot.blind:
            return
        for at, group in enumerate(context.snapshot.groups):
            if at in context.groups.owner or at in context.groups.contested:
                continue
            key = app_group_key(group.id)
            name = context.group_name(at)
            if at in context.ignored_groups:
                context.notes.append(Note(code="ignored", key=key, id=group.id, text=name))
            elif policy == "ignore":
                continue
            elif policy == "report" or at in context.namesake_groups:
                context.notes.append(Note(code="unmanagedGroup", key=key, id=group.id, text=name))
            else:
                self._remove(key, name, at, policy, Reason.UNMANAGED, None)

    def _remove(self, key: str, name: str, at: int, policy: str, reason: Reason, source: Source | None) -> None:
        context = self.context
        live = context.snapshot.groups[at]
        if context.group_guarded(key, at) and (live.members or policy == "delete"):
            wanted = "deleteGroup" if policy == "delete" else "emptyGroup"
            context.block(key, live.id, name, wanted, "protected", "protected: it is never removed")
            return
        ours, staying = self.membership.removable(at, everybody=reason is Reason.UNMANAGED)
        held: tuple[Held, ...] = ()
        if context.state.fresh:
            held = (Held(by="stateMissing", release="deleteGroups"),)
        members = tuple(
            MemberRef(key=context.key_of(a), id=context.snapshot.accounts[a].id, name=context.who(a))
            for a in sorted(ours, key=context.key_of)
        )
        reasons: tuple[Reason, ...] = (reason,)
        if policy == "delete":
            if not context.profile.groups.delete:
                text = context.profile.cannot.get(
                    "deleteGroup", f"{context.profile.title} has no way to delete a group"
                )
                context.block(key, live.id, name, "deleteGroup", "appCannot", text)
                reasons = (reason, Reason.REPLACES_DELETE)
            elif staying or (live.others & self._ids):
                context.block(key, live.id, name, "deleteGroup", *self._why_stays(live, staying))
                reasons = (reason, Reason.REPLACES_DELETE)
            else:
                context.changes.append(
                    DeleteGroup(
                        key=key, id=live.id, name=name, reasons=reasons, source=source, members=members, held=held
                    )
                )
                return
        if members:
            context.changes.append(
                EmptyGroup(key=key, id=live.id, name=name, reasons=reasons, source=source, members=members, held=held)
            )

    @cached_property
    def _ids(self) -> frozenset[str]:
        return frozenset(group.id for group in self.context.snapshot.groups)

    def _why_stays(self, live: LiveGroup, staying: set[int]) -> tuple[BlockedReason, str]:
        context = self.context
        guarded = {at for at in staying if context.guarded(context.key_of(at), at)}
        if not staying:
            inside = len(live.others & self._ids)
            return "unmanagedMembers", f"{inside} other {'group is' if inside == 1 else 'groups are'} inside it"
        if guarded == staying:
            return "protected", f"protected, and in it: {self._list(staying)}"
        are = "member is" if len(staying) == 1 else "members are"
        return "unmanagedMembers", f"{len(staying)} {are} not ours to remove: {self._list(staying)}"

    def _list(self, accounts: set[int]) -> str:
        names = sorted(self.context.account_name(at) for at in accounts)
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _renames(column: Column) -> bool:
    return bool(column.matching) or column.path.lower() == "displayname"

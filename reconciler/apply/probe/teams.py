"""What a throw-away group does: members on creation, where they are shown, how they come and go, its name."""

from __future__ import annotations

import json
from typing import Final

from reconciler.apply.probe.forms import Forms
from reconciler.apply.probe.samples import GROUP
from reconciler.apply.probe.yard import Made, Yard
from reconciler.live.probe.ask import Row, Said, at, member_ids
from reconciler.model.path import member
from reconciler.model.profile import MEMBER_FORMS, UPDATES, MemberForm

_ABSENT: Final = frozenset({404, 405, 501})
_FORBIDDEN: Final = 403
_FORMS: Final = sorted(MEMBER_FORMS, key=lambda form: form == "nested")
"""In the order of harm: the nested form is stored as nonsense by servers that don't know it."""


class Teams:
    """With two throw-away accounts: what clears everybody is seen on them alone."""

    def __init__(self, yard: Yard, forms: Forms, one: Made, other: Made | None) -> None:
        self.yard = yard
        self.report = yard.report
        self.profile = yard.profile
        self.forms = forms
        self._one = one
        self._other = other
        self._listed = True
        self._place = ""
        """inLists, byId or byFilter: where members were seen."""

    async def look(self) -> None:
        group, wrote = await self._create()
        if group is None:
            return
        duplicate, said = await self.yard.create("group", self._body(group.name))
        if duplicate is not None:
            self.report.note("a group's name can be given twice")
        elif not said.ok:
            self.report.good(f"a group's name that is taken is refused with {said.status}")
        await self._excluded()
        await self._members(group, begun=wrote)
        await self._rename(group)

    def _body(self, name: str, *members: str) -> Row:
        body: Row = {"schemas": [GROUP], "displayName": name}
        return {**body, "members": [{"value": each} for each in members]} if members else body

    async def _create(self) -> tuple[Made | None, bool]:
        """The group, and whether its creation put a member into it."""
        name = self.yard.names.group()
        group, said = await self.yard.create("group", self._body(name, self._one.id))
        if group is not None:
            self._answered(said)
            await self._find_place(group)
            if self._place:
                self.report.good("a group can be created with members")
                self.report.seen("groups.membersOnCreate", True, "a new group had the member that was sent")
            return group, bool(self._place)
        if said.status in _ABSENT:
            self.report.bad(f"no group can be created ({said.short})")
            sentence = f"the application answers the creation of a group with {said.status}"
            self.report.seen(("cannot", "createGroup"), sentence, f"POST answers {said.status}")
            return None, False
        refusal = said
        group, said = await self.yard.create("group", self._body(name))
        if group is None:
            self.report.bad(f"no group can be created ({said.short})", "may the token create groups?")
            if said.status == _FORBIDDEN:
                sentence = "the application does not let this token create groups"
                self.report.seen(("cannot", "createGroup"), sentence, "POST answers 403, and accounts could be created")
            return None, False
        self._answered(said)
        self.report.bad(f"a group can't be created with members ({refusal.short}); without it can")
        self.report.seen("groups.membersOnCreate", False, f"refused: {refusal.short}")
        return group, False

    def _answered(self, said: Said) -> None:
        if said.ok and said.status not in self.profile.answers.created:
            self.report.seen("answers.created", said.status, f"a creation is answered with {said.status}")
        if said.ok and said.row is None:
            self.report.bad(f"the creation of a group is answered with {said.status} and no id: it is looked up")

    # -- members

    async def _find_place(self, group: Made) -> None:
        """Where the account that should be in the group is shown."""
        listed = await self._in_list(group)
        self._listed = listed is not None
        if listed:
            self._place = "inLists"
        elif member_ids(await self.yard.get(group) or {}):
            self._place = "byId"
        elif await self._by_filter(group):
            self._place = "byFilter"

    async def _in_list(self, group: Made) -> bool | None:
        """None: the list does not show the group at all."""
        async for row in self.yard.walk("group"):
            if str(row["id"]) == group.id:
                return bool(member_ids(row))
        return None

    async def _by_filter(self, group: Made) -> list[str]:
        """Only if somebody who is in no group is not found so: else the filter is ignored."""
        endpoint = self.yard.endpoint("user")
        found = await self.yard.ask.send("GET", endpoint, params={"filter": f"groups.value eq {json.dumps(group.id)}"})
        ours = {self._one.id, self._other.id if self._other else ""}
        return found.ids if found.rows is not None and set(found.ids) <= ours else []

    async def _held(self, group: Made) -> list[str]:
        if self._place == "byFilter":
            return await self._by_filter(group)
        return member_ids(await self.yard.get(group) or {})

    async def _members(self, group: Made, *, begun: bool) -> None:
        begin = self.profile.groups.members
        order = (begin, *(form for form in _FORMS if form != begin))
        if not self._place:
            await self._until_shown(group, order)
        if not self._place:
            return
        if self._listed:
            self.report.good(f"members are shown {_PLACES[self._place]}")
            self.report.seen("groups.readMembers", self._place, f"members are shown {_PLACES[self._place]}")
        else:
            self.report.bad("lists do not show a group that was just created", "does it take time? settleSeconds")
        if not begun:
            self.report.bad("members in the creation of a group are ignored")
            self.report.seen("groups.membersOnCreate", False, "a new group did not have the member that was sent")
        if self._other is None:
            self.report.note("how members are written is unknown: it takes two accounts")
            return
        for form in order:
            if self._place == "byFilter" and form in ("replace", "put"):
                continue
            fault = await self._try(group, form, [self._one.id, self._other.id])
            if fault is None:
                self.report.good(f"members come and go in the form {form}")
                self.report.seen("groups.members", form, f"{begin} does not work, {form} does")
                return
            self.report.note(f"members in the form {form}: {fault}")
        self.report.bad("no form in which members are added and removed works")
        for what in ("addMembers", "removeMembers"):
            sentence = "the application does not change the members of a group over SCIM"
            self.report.seen(("cannot", what), sentence, "no form of it works")

    async def _excluded(self) -> None:
        """Whether lists without members may be asked for at all."""
        endpoint, style = self.yard.endpoint("group"), self.profile.paging.style
        params = {"cursor": "", "count": "1"} if style == "cursor" else {}
        plain = await self.yard.ask.send("GET", endpoint, params=params)
        said = await self.yard.ask.send("GET", endpoint, params={**params, "excludedAttributes": "members"})
        if plain.rows is not None and 400 <= said.status < 500:
            self.report.bad(f"excludedAttributes=members is refused ({said.short})")
            self.report.seen("excludedAttributes", False, f"excludedAttributes=members is refused with {said.status}")

    async def _until_shown(self, group: Made, order: tuple[MemberForm, ...]) -> None:
        """Adds one account in one form after the other until the group shows it."""
        accepted = False
        for form in order[:-1]:
            said = await self.forms.members(form, "add", group, [self._one.id], [])
            accepted |= said.ok
            await self._find_place(group)
            if self._place:
                return
        if accepted:
            self.report.bad("nothing shows the members of a group, or members are not stored")
            if self.profile.groups.members not in ("replace", "put"):
                self.report.seen("groups.readMembers", "never", "a member that was accepted is shown nowhere")
        else:
            self.report.bad("no form in which members are added is accepted")
            sentence = "the application does not take members of a group over SCIM"
            self.report.seen(("cannot", "addMembers"), sentence, "every form of it is refused")

    async def _try(self, group: Made, form: MemberForm, both: list[str]) -> str | None:
        """Adds who is missing, removes one, adds that one again; what is wrong, or None."""
        for each in both:
            held = await self._held(group)
            if each not in held and (fault := await self._change(group, form, "add", each, {*held, each})):
                return fault
        one, other = both
        return await self._change(group, form, "remove", one, {other}) or await self._change(
            group, form, "add", one, set(both)
        )

    async def _change(self, group: Made, form: MemberForm, verb: str, one: str, want: set[str]) -> str | None:
        """One account comes or goes; what is wrong, or None."""
        held = await self._held(group)
        said = await self.forms.members(form, verb, group, [one], held)
        now = await self._held(group)
        if set(now) != want:
            return _fault(verb, said, held, now)
        return None if len(now) == len(want) else "a member is there twice after it was added"

    # -- the name

    async def _rename(self, group: Made) -> None:
        begin = self.profile.groups.update
        refusals = []
        for number, form in enumerate((begin, *(each for each in UPDATES if each != begin)), start=1):
            before = await self._held(group)
            name = self.yard.names.group(number)
            said = await self.forms.write(form, group, {"displayName": name})
            group = await self.yard.follow(group, name)
            row = await self.yard.get(group) or {}
            if member(row, "displayName") != name:
                refusals.append(f"{form} {said.short}" if not said.ok else f"{form} changes nothing")
            elif set(await self._held(group)) != set(before):
                refusals.append(f"{form} takes members away")
                self.report.bad(f"renaming a group in the form {form} takes its members away")
            else:
                self.report.good(f"a group can be renamed ({form})")
                self.report.seen("groups.update", form, f"{begin} does not rename a group, {form} does")
                return
        self.report.bad(f"a group can't be renamed ({'; '.join(refusals)})")
        sentence = "the application does not rename groups over SCIM"
        self.report.seen(("cannot", "renameGroup"), sentence, "no form of it works")

    async def delete(self) -> None:
        """The last that is done to the group."""
        for group in [each for (kind, _), each in self.yard.made.items() if kind == "group"][:1]:
            said = await self.yard.ask.send("DELETE", at(self.yard.endpoint("group"), group.id))
            gone = await self.yard.get(group) is None
            if gone:
                self.report.good(f"a group can be deleted ({said.status})")
                if said.ok and said.status not in self.profile.answers.deleted:
                    self.report.seen("answers.deleted", said.status, f"a deletion is answered with {said.status}")
            else:
                self.report.bad(f"a group can't be deleted ({said.short})")
            self.report.seen("groups.delete", gone, f"DELETE answers {said.status}")


_PLACES: Final = {
    "inLists": "in lists",
    "byId": "by GET of one group",
    "byFilter": "by the filter groups.value on users",
}


def _fault(verb: str, said: Said, held: list[str], now: list[str]) -> str:
    if not said.ok and set(now) == set(held):
        return f"{verb} is refused ({said.short})"
    if set(now) == set(held):
        return f"{verb} is answered with {said.status}, and changes nothing"
    if not now:
        return f"{verb} takes everybody out"
    return f"{verb} replaces the members" if verb == "add" else f"{verb} takes out somebody else"

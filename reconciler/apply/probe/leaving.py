"""What deactivating, reactivating and deleting an account does."""

from __future__ import annotations

import json
import secrets
from typing import Final

from reconciler.apply.probe.people import People
from reconciler.apply.probe.yard import Made, Yard
from reconciler.live.probe.ask import Said, at
from reconciler.model.comparison import truth
from reconciler.model.path import member
from reconciler.model.profile import UPDATES, Update

_UNKNOWN: Final = frozenset({403, 404, 410})


class Leaving:
    """On the second account; the first one is there to compare with."""

    def __init__(self, yard: Yard, people: People, first: Made) -> None:
        self.yard = yard
        self.report = yard.report
        self.profile = yard.profile
        self._people = people
        self._first = first

    async def look(self, made: Made) -> None:
        complete = await self._complete(made)
        if await self._deactivates(made):
            if complete:
                await self._listed(made)
            await self._reactivates(made)
        await self._deletes(made)
        await self._unknown()

    async def switch(self, made: Made, *, active: bool) -> tuple[bool | None, Said]:
        """Whether the account is as wanted; None if it is gone."""
        form: Update = self._people.form or self.profile.users.update
        said = Said(0, False)
        for each in (form, *(other for other in UPDATES if other != form)):
            said = await self._people.forms.write(each, made, {"active": active})
            row = await self.yard.get(made)
            if row is None:
                return None, said
            if truth(member(row, "active")) == active:
                return True, said
            if self._people.form is not None:
                break
        return False, said

    async def deactivate(self, made: Made) -> None:
        await self.switch(made, active=False)

    async def _deactivates(self, made: Made) -> bool:
        """Whether the account is still there, and inactive."""
        before = await self.yard.get(made)
        if before is not None and not truth(member(before, "active")):
            self.report.note("what deactivation does is unknown: an active account looks inactive")
            return False
        done, said = await self.switch(made, active=False)
        forms = self._people.forms
        if done is False and said.ok and member(await self.yard.get(made) or {}, "active") is None:
            self.report.note("what deactivation does is unknown: `active` is not shown")
            return False
        if done is False and not forms.text:
            forms.text = True
            done, again = await self.switch(made, active=False)
            forms.text = done is not False
            if done is not False:
                self.report.bad(f"`active: false` is not understood ({said.short}); the text False is")
                self.report.seen("patch.booleans", "text", f"false has no effect: {said.short}")
                said = again
        if done is None:
            self.report.bad("deactivation removes the account")
            effect = self.profile.users.effect
            self.report.seen(
                "users.effect", "deleted" if effect == "deactivated" else effect, "the account was gone afterwards"
            )
            if effect == "deactivated":
                self.report.seen("users.reversible", False, "a deactivated account was gone")
            await self._again(made, "deactivation")
            return False
        if not done:
            why = f"answered with {said.status}, and nothing happens" if said.ok else f"refused ({said.short})"
            self.report.bad(f"an account can't be deactivated: it is {why}")
            self.report.seen("users.deactivate", False, "`active: false` has no effect")
            return False
        self.report.good("`active: false` deactivates an account, which can still be read")
        self.report.seen("users.deactivate", True, "`active: false` works")
        self.report.seen("users.effect", "deactivated", "a deactivated account can still be read")
        return True

    async def _complete(self, made: Made) -> bool:
        """Whether lists show both accounts while they are active; a filter proves that they could."""
        ours = {each.id: each for each in (self._first, made)}
        seen = {str(row["id"]) async for row in self.yard.walk("user")}
        missing = [each for key, each in ours.items() if key not in seen]
        if not missing or not seen or "userName" not in self.profile.filters.users:
            return not missing
        if not self.profile.paging.trusted:
            self.report.note("lists leave people out")
            return False
        endpoint, which = self.yard.endpoint("user"), f"userName eq {json.dumps(missing[0].name)}"
        found = await self.yard.ask.send("GET", endpoint, params={"filter": which})
        if missing[0].id not in found.ids:
            return False
        self.report.bad("lists leave people out, whom a filter finds", "does it take time? settleSeconds")
        self.report.seen("paging.trusted", False, "an active account was not in the list, and a filter found it")
        return False

    async def _listed(self, made: Made) -> None:
        seen = {str(row["id"]) async for row in self.yard.walk("user")}
        if made.id in seen:
            self.report.good("lists hold deactivated accounts too")
            self.report.seen("users.listsInactive", True, "a list showed a deactivated account")
        elif self._first.id in seen:
            self.report.bad("lists leave deactivated accounts out")
            self.report.seen("users.listsInactive", False, "a deactivated account was not in the list")
        else:
            self.report.bad("lists do not show an account that was just created", "does it take time? settleSeconds")

    async def _reactivates(self, made: Made) -> None:
        done, said = await self.switch(made, active=True)
        if done:
            self.report.good("`active: true` gives access back")
        else:
            why = f"answered with {said.status}, and nothing happens" if said.ok else f"refused ({said.short})"
            self.report.bad(f"a deactivated account can't be given back: it is {why}")
        self.report.seen("users.reversible", bool(done), "`active: true` was tried on a deactivated account")

    async def _deletes(self, made: Made) -> None:
        if await self.yard.get(made) is None:
            return
        said = await self.yard.ask.send("DELETE", self.yard.where(made))
        row = await self.yard.get(made)
        if row is not None and truth(member(row, "active")):
            self.report.bad(f"an account can't be deleted ({said.short})")
            self.report.seen("users.delete", False, f"DELETE answers {said.status} and the account is still there")
            return
        self.report.seen("users.delete", True, f"DELETE answers {said.status}")
        if said.ok and said.status not in self.profile.answers.deleted:
            self.report.seen("answers.deleted", said.status, f"a deletion is answered with {said.status}")
        if row is not None:
            self.report.bad("DELETE deactivates an account; it is still there")
            self.report.seen("users.deleteEffect", "deactivated", "the account was there and inactive after DELETE")
            return
        self.report.good(f"DELETE removes an account ({said.status})")
        self.report.seen("users.deleteEffect", "deleted", "the account was gone after DELETE")
        again = await self.yard.ask.send("DELETE", self.yard.where(made))
        if again.status not in {404, 204}:
            self.report.note(f"a second DELETE is answered with {again.short}")
        await self._again(made, "DELETE")

    async def _again(self, made: Made, what: str) -> None:
        values = self._people.values("b", only=self._people.required)
        back, said = await self._people.create(values)
        if back is not None or said.ok:
            self.report.good(f"a userName is free again after {what}")
        else:
            self.report.bad(f"a userName is not free again after {what} ({said.short})", f"it was {made.name}")

    async def _unknown(self) -> None:
        """What an id says that nobody has."""
        said = await self.yard.ask.send("GET", at(self.yard.endpoint("user"), str(10**11 + secrets.randbelow(10**11))))
        if said.ok:
            self.report.bad(f"an unknown id is answered with {said.status}")
        elif said.status not in self.profile.answers.not_found:
            self.report.note(f"an unknown id is answered with {said.short}")
            if said.status in _UNKNOWN:
                self.report.seen("answers.notFound", said.status, f"an unknown id is answered with {said.status}")

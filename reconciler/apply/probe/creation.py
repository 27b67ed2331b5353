"""What creating an account does: what the server answers, what it stores, what it fills in."""

from __future__ import annotations

from typing import Any

from reconciler.apply.probe.people import People
from reconciler.apply.probe.refusal import Refusals
from reconciler.apply.probe.yard import Made
from reconciler.live.probe.ask import CANT, REFUSED, Said
from reconciler.model.comparison import equal
from reconciler.model.path import member, parse_path


class Creation:
    def __init__(self, people: People) -> None:
        self._people = people
        self._yard = people.yard
        self._report = people.report
        self._profile = people.profile
        self._refusals = Refusals(people)

    async def first(self) -> Made | None:
        """With everything that is mapped; None if no account can be made."""
        wanted = self._people.values("a")
        made, said = await self._people.create(wanted)
        if said.status == 415:
            made, said = await self._refusals.other_types(wanted)
        if made is None and not said.ok and said.status in REFUSED:
            made, said, wanted = await self._refusals.overcome(wanted, said)
        if made is None:
            self._no_account(said)
            return None
        self._created(said, made)
        await self._stored(made, wanted)
        return made

    def _no_account(self, said: Said) -> None:
        if said.status in CANT:
            sentence = f"the application answers the creation of an account with {said.status}"
            self._report.seen(("cannot", "createUser"), sentence, f"POST answers {said.status}")
        if said.ok:
            self._report.bad(f"a creation is answered with {said.status}, and the account is not found afterwards")
            return
        hint = "may the token create accounts?"
        if self._yard.names.reserved and said.status in REFUSED:
            hint += " Must addresses be of a domain that is verified there? Then --domain names it"
        self._report.bad(f"no account can be created ({said.short})", hint)

    def _created(self, said: Said, made: Made) -> None:
        if not said.ok:
            self._report.bad(f"a creation is done and answered like an error ({said.short})")
            return
        if said.status not in self._profile.answers.created:
            self._report.seen("answers.created", said.status, f"a creation is answered with {said.status}")
        named = member(said.body, "userName") if isinstance(said.body, dict) else None
        if said.row is None:
            self._report.bad(f"a creation is answered with {said.status} and no id: the account is looked up")
        elif said.row["id"] != made.id:
            self._report.bad("a creation is answered with another account than the one that was made")
        elif named is None:
            self._report.note(f"a creation is answered with {said.status} and not all of the account")
        else:
            place = "" if said.headers.get("location") else ", no Location"
            self._report.good(f"a creation is answered with {said.status} and the account{place}")

    async def _stored(self, made: Made, wanted: dict[str, Any]) -> None:
        """What of it is there afterwards, and as what."""
        row = await self._yard.get(made)
        if row is None:
            self._report.bad("an account that was just created can't be read")
            return
        for text, want in wanted.items():
            path = parse_path(text)
            have = path.read(row)
            if equal(want, have, exact=False) or (path.canonical == "active" and have is None):
                self._people.kept.append(text)
            if self._profile.comparison.same(path, want, have):
                continue
            if path.canonical == "active":
                self._report.bad("an account that was created active looks inactive")
            elif have in (None, "", ()):
                self._report.bad(f"{text} is not stored")
                self._report.seen("compare.ignore", text, f"{text} is not stored")
            elif equal(want, have, exact=False):
                self._report.bad(f"{text} is stored with other upper and lower case")
                self._report.seen(("compare", "case", text), "ignore", f"{want} is stored as {have}")
            else:
                self._report.bad(f"{text} is not what was sent: {have!r} instead of {want!r}")
                self._report.seen("compare.ignore", text, f"{text} is made by the server")
        stored = [text for text in wanted if text in self._people.kept]
        self._report.good(f"stored as sent: {', '.join(stored)}")

    async def second(self) -> Made | None:
        """With as little as the server takes."""
        least = self._people.values("b", only=self._people.required)
        made, said = await self._people.create(least)
        if made is None and said.status in REFUSED:
            made, least = await self._refusals.needs(least, said)
        if made is None:
            self._report.note(f"a second account can't be created ({said.short}): much stays unknown")
            return None
        await self._defaults(made, least)
        return made

    async def _defaults(self, made: Made, sent: dict[str, Any]) -> None:
        """What the server fills in by itself, where it is the same for everybody."""
        row = await self._yard.get(made) or {}
        for text in self._people.targets:
            path = parse_path(text)
            have = path.read(row)
            if text in sent or path.canonical == "active" or not isinstance(have, str | int) or have == "":
                continue
            if self._profile.comparison.same(path, None, have):
                continue
            if str(have).lower() in made.name.lower() or made.name.partition("@")[0].lower() in str(have).lower():
                self._report.note(f"{text} is made from the userName where none was sent")
            elif not path.key and text in self._people.kept:
                self._report.note(f"{text} is {have!r} where none was sent")
                self._report.seen(("compare", "defaults", text), have, f"{have!r} stands there where nothing was sent")

    async def duplicates(self, first: Made) -> None:
        """The same userName again; and one that differs in case alone."""
        values = self._people.values("a", only=self._people.required)
        for name, what in ((first.name, "a userName that is taken"), (_shouted(first.name), "one in another case")):
            made, said = await self._people.create({**values, "userName": name})
            if made is not None:
                self._report.bad(
                    f"{what} is accepted again: there are two accounts then",
                    "nothing but the list tells who is there: never let two tools create accounts",
                )
            elif said.status == 409 or "uniqueness" in said.said.lower():
                self._report.good(f"{what} is refused with {said.status}")
            elif said.ok:
                self._report.bad(f"{what} is answered with {said.status}, and no second account is there")
            else:
                self._report.note(f"{what} is refused in a form of its own ({said.short})")


def _shouted(name: str) -> str:
    local, _, domain = name.partition("@")
    return f"{local.upper()}@{domain}"

"""In which forms the values of an account can be changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from reconciler.apply.probe.people import People
from reconciler.apply.probe.samples import element, sample, single
from reconciler.apply.probe.yard import Made
from reconciler.live.probe.ask import CANT, Row
from reconciler.model.comparison import equal
from reconciler.model.path import member, parse_path
from reconciler.model.profile import UPDATES, Update

_NAMES: Final[dict[Update, str]] = {
    "patchPath": "PATCH with a path",
    "patchPathless": "PATCH without a path",
    "put": "PUT",
}
_FORMS: Final = {"element": "one element", "whole": "the whole list"}


class Changes:
    def __init__(self, people: People) -> None:
        self._people = people
        self._yard = people.yard
        self._report = people.report
        self._profile = people.profile
        self._changes = 0

    async def updates(self, made: Made) -> None:
        """Each form of a single value; the profile's first."""
        texts = single(self._people.kept)
        if not texts:
            self._report.note("how single values are changed is unknown: none was stored as sent")
            return
        begun = self._profile.users.update
        order = (begun, *(each for each in UPDATES if each != begun))
        works, refused = await self._try(made, texts, order)
        if {"patchPath", "patchPathless"} <= set(refused) and not self._people.forms.capitalized:
            self._people.forms.capitalized = True
            found, _ = await self._try(made, texts, ("patchPath", "patchPathless"), again=True)
            self._people.forms.capitalized = bool(found)
            works = [*found, *works]
        if self._people.forms.capitalized and self._profile.patch.ops != "capitalized":
            self._report.seen("patch.ops", "capitalized", "operations in lower case are refused")
        if not works:
            self._report.bad("no form of an update works")
            return
        self._people.form = begun if begun in works else next(form for form in UPDATES if form in works)
        self._report.seen("users.update", self._people.form, f"{begun} does not work, {self._people.form} does")

    async def _try(
        self, made: Made, texts: list[str], order: Iterable[Update], *, again: bool = False
    ) -> tuple[list[Update], list[Update]]:
        """The forms that work, and those that are refused for what is in them."""
        works: list[Update] = []
        refused: list[Update] = []
        for form in order:
            before = await self._yard.get(made) or {}
            wanted = {text: self._another(text, before, made) for text in texts}
            said = await self._people.forms.write(form, made, wanted)
            after = await self._yard.get(made) or {}
            spelled = f"{_NAMES[form]}{' with capitalized operations' if again else ''}"
            if not all(equal(want, parse_path(text).read(after)) for text, want in wanted.items()):
                if said.ok:
                    self._report.bad(f"{spelled} is answered with {said.status}, and changes nothing")
                else:
                    refused += [form] if said.status not in CANT else []
                    self._report.note(f"{spelled} is refused ({said.short})")
            elif lost := self._lost(before, after, texts):
                self._report.bad(f"{spelled} takes {', '.join(lost)} away")
            else:
                works.append(form)
                self._report.good(f"{spelled} works")
        return works, refused

    def _another(self, text: str, before: Row, made: Made) -> Any:
        """A value that is not there now."""
        value = sample(self._profile, text, made.name, 1)
        have = parse_path(text).read(before)
        if parse_path(text).schema_name in {"displayname", "name.givenname"}:
            self._changes += 1
            return f"{value} {self._changes}"
        return value if have != value else sample(self._profile, text, made.name)

    def _lost(self, before: Row, after: Row, texts: list[str]) -> list[str]:
        others = [text for text in self._people.kept if text not in texts]
        return [text for text in others if parse_path(text).read(before) and not parse_path(text).read(after)]

    async def lists(self, made: Made) -> None:
        """One element of a multi-valued attribute, alone or with the whole list."""
        path = element(self._people.kept)
        if path is None or self._people.form != "patchPath":
            return
        begun = self._profile.users.multi_valued
        order = sorted(_FORMS, key=lambda form: form != begun)
        for which, form in zip((1, 0), order, strict=True):
            want = sample(self._profile, path.text, made.name, which)
            row = await self._yard.get(made) or {}
            if form == "element":
                said = await self._people.forms.write("patchPath", made, {path.text: want})
            else:
                content: Row = {path.name: member(row, path.name)}
                said = await self._people.forms.whole(made, path, want, content)
            after = path.read(await self._yard.get(made) or {})
            if equal(want, after, exact=False):
                self._report.good(f"{path.text} can be changed as {_FORMS[form]}")
                self._report.seen("users.multiValued", form, f"{path.text} can be changed as {_FORMS[form]}")
                return
            why = f"answered with {said.status}, and changes nothing" if said.ok else f"refused ({said.short})"
            self._report.note(f"{path.text} as {_FORMS[form]} is {why}")

    async def clearing(self, made: Made) -> None:
        needed = {"username", "displayname", "active", *(each.lower() for each in self._people.required)}
        texts = [text for text in self._people.kept if text.lower() not in needed and not parse_path(text).key]
        if not texts or self._people.form in (None, "put"):
            return
        text = texts[-1]
        said = await self._people.forms.remove(made, parse_path(text).spelled)
        have = parse_path(text).read(await self._yard.get(made) or {})
        if have in (None, "", ()):
            self._report.good(f"a value can be cleared (remove {text})")
        else:
            why = f"answered with {said.status}" if said.ok else f"refused ({said.short})"
            self._report.note(f"remove {text} is {why}, and the value is still there")

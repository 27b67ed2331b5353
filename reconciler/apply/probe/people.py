"""What creating and changing an account does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from reconciler.apply.probe.forms import Forms
from reconciler.apply.probe.samples import account, element, sample, single
from reconciler.apply.probe.yard import Made, Yard
from reconciler.live.probe.ask import Row, Said
from reconciler.live.probe.resources import version
from reconciler.model.comparison import equal
from reconciler.model.path import member, parse_path
from reconciler.model.profile import UPDATES, Update

_TYPES: Final = ("application/scim+json", "application/json")
_REFUSED: Final = frozenset({400, 409, 413, 422, 500})
_CANT: Final = frozenset({404, 405, 501})


class People:
    def __init__(self, yard: Yard, forms: Forms, targets: Iterable[str]) -> None:
        self.yard = yard
        self.report = yard.report
        self.profile = yard.report.profile
        self.forms = forms
        self.form: Update | None = None
        """The form of single values that works; None until one did."""
        self.required = list(self.profile.users.required)
        self._targets = list(dict.fromkeys(("userName", *targets)))
        self._primary = self.profile.email_primary
        self._kept: list[str] = []
        self._changes = 0

    def values(self, letter: str, *, only: Iterable[str] | None = None) -> dict[str, Any]:
        name = self.yard.names.user(letter)
        texts = self._targets if only is None else list(dict.fromkeys(("userName", *only)))
        made = {text: sample(self.profile, text, name) for text in texts}
        return {text: value for text, value in made.items() if value is not None}

    # -- creation

    async def first(self) -> Made | None:
        """With everything that is mapped; None if no account can be made."""
        wanted = self.values("a")
        made, said = await self._create(wanted)
        if said.status == 415:
            made, said = await self._other_types(wanted)
        if made is None and not said.ok and said.status in _REFUSED:
            made, said, wanted = await self._without_what_is_refused(wanted, said)
        if made is None:
            self._no_account(said)
            return None
        self._created(said, made)
        await self._stored(made, wanted)
        return made

    async def _create(self, values: dict[str, Any]) -> tuple[Made | None, Said]:
        return await self.yard.create("user", account(values, primary=self._primary))

    async def _other_types(self, wanted: dict[str, Any]) -> tuple[Made | None, Said]:
        made, said = None, Said(415, False)
        for kind in _TYPES:
            if kind == self.profile.content_type:
                continue
            self.yard.ask.headers["content-type"] = kind
            made, said = await self._create(wanted)
            if said.status != 415:
                self.report.bad(f"{self.profile.content_type} is refused with 415; {kind} is taken")
                self.report.seen("contentType", kind, f"{self.profile.content_type} is refused with 415")
                break
        return made, said

    async def _without_what_is_refused(
        self, wanted: dict[str, Any], refusal: Said
    ) -> tuple[Made | None, Said, dict[str, Any]]:
        """What made the server refuse the whole account."""
        if not self._primary and any(parse_path(text).name.lower() == "emails" for text in wanted):
            self._primary = True
            made, said = await self._create(wanted)
            if made is not None:
                self.report.bad(f"an e-mail address without `primary` is refused ({refusal.short})")
                self.report.seen("emailPrimary", True, f"refused without it: {refusal.short}")
                return made, said, wanted
            self._primary = self.profile.email_primary
        needed = {"username", *(each.lower() for each in self.required)}
        for text in [each for each in wanted if each.lower() not in needed]:
            fewer = {name: value for name, value in wanted.items() if name != text}
            made, said = await self._create(fewer)
            if made is not None:
                self._refused(text, refusal)
                return made, said, fewer
        least = {text: value for text, value in wanted.items() if text.lower() in needed}
        made, said = await self._create(least)
        if made is None:
            return None, refusal, wanted
        self.report.bad(f"an account with all mapped attributes is refused ({refusal.short}); with few it is not")
        for text in [each for each in wanted if each not in least]:
            alone = await self.forms.write(self.profile.users.update, made, {text: wanted[text]})
            if alone.status in _REFUSED:
                alone = await self.forms.write("put", made, {text: wanted[text]})
            if alone.ok:
                least[text] = wanted[text]
            else:
                self._refused(text, alone)
        return made, said, least

    def _refused(self, text: str, refusal: Said) -> None:
        hint = f"in mappings.yaml: {{target: '{text}', none: true}}"
        self.report.bad(f"{text} is refused, and what is sent with it ({refusal.short})", hint)

    def _no_account(self, said: Said) -> None:
        if said.status in _CANT:
            sentence = f"the application answers the creation of an account with {said.status}"
            self.report.seen(("cannot", "createUser"), sentence, f"POST answers {said.status}")
        if said.ok:
            self.report.bad(f"a creation is answered with {said.status}, and the account is not found afterwards")
        else:
            self.report.bad(f"no account can be created ({said.short})", "may the token create accounts?")

    def _created(self, said: Said, made: Made) -> None:
        if not said.ok:
            self.report.bad(f"a creation is done and answered like an error ({said.short})")
            return
        if said.status not in self.profile.answers.created:
            self.report.seen("answers.created", said.status, f"a creation is answered with {said.status}")
        named = member(said.body, "userName") if isinstance(said.body, dict) else None
        if said.row is None:
            self.report.bad(f"a creation is answered with {said.status} and no id: the account is looked up")
        elif said.row["id"] != made.id:
            self.report.bad("a creation is answered with another account than the one that was made")
        elif named is None:
            self.report.note(f"a creation is answered with {said.status} and not all of the account")
        else:
            place = "" if said.headers.get("location") else ", no Location"
            self.report.good(f"a creation is answered with {said.status} and the account{place}")

    async def _stored(self, made: Made, wanted: dict[str, Any]) -> None:
        """What of it is there afterwards, and as what."""
        row = await self.yard.get(made)
        if row is None:
            self.report.bad("an account that was just created can't be read")
            return
        for text, want in wanted.items():
            path = parse_path(text)
            have = path.read(row)
            if equal(want, have, exact=False) or (path.canonical == "active" and have is None):
                self._kept.append(text)
            if self.profile.comparison.same(path, want, have):
                continue
            if path.canonical == "active":
                self.report.bad("an account that was created active looks inactive")
            elif have in (None, "", ()):
                self.report.bad(f"{text} is not stored")
                self.report.seen("compare.ignore", text, f"{text} is not stored")
            elif equal(want, have, exact=False):
                self.report.bad(f"{text} is stored with other upper and lower case")
                self.report.seen(("compare", "case", text), "ignore", f"{want} is stored as {have}")
            else:
                self.report.bad(f"{text} is not what was sent: {have!r} instead of {want!r}")
                self.report.seen("compare.ignore", text, f"{text} is made by the server")
        stored = [text for text in wanted if text in self._kept]
        self.report.good(f"stored as sent: {', '.join(stored)}")

    async def second(self) -> Made | None:
        """With as little as the server takes."""
        least = self.values("b", only=self.required)
        made, said = await self._create(least)
        if made is None and said.status in _REFUSED:
            refusal = said
            made, more = await self._needs(least)
            least = self.values("b", only=[*self.required, *more])
            if made is not None:
                self.required = [*self.required, *more]
                self.report.bad(f"an account needs {', '.join(more)} too ({refusal.short})")
                self.report.seen(("users", "required"), self.required, f"refused without: {refusal.short}")
        if made is None:
            self.report.note(f"a second account can't be created ({said.short}): much stays unknown")
            return None
        await self._defaults(made, least)
        return made

    async def _needs(self, least: dict[str, Any]) -> tuple[Made | None, list[str]]:
        """Which further attributes make it acceptable: one alone, else several together."""
        wanted = sorted(self.values("b").items(), key=lambda item: _likely(item[0]))
        rest = {text: value for text, value in wanted if text not in least}
        for text, value in rest.items():
            made, _ = await self._create({**least, text: value})
            if made is not None:
                return made, [text]
        grown = dict(least)
        for text, value in rest.items():
            grown[text] = value
            made, _ = await self._create(grown)
            if made is not None:
                return made, [name for name in grown if name not in least]
        return None, []

    async def _defaults(self, made: Made, sent: dict[str, Any]) -> None:
        """What the server fills in by itself, where it is the same for everybody."""
        row = await self.yard.get(made) or {}
        for text in self._targets:
            path = parse_path(text)
            have = path.read(row)
            if text in sent or path.canonical == "active" or not isinstance(have, str | int) or have == "":
                continue
            if self.profile.comparison.same(path, None, have):
                continue
            if str(have).lower() in made.name.lower() or made.name.partition("@")[0].lower() in str(have).lower():
                self.report.note(f"{text} is made from the userName where none was sent")
            elif not path.key and text in self._kept:
                self.report.note(f"{text} is {have!r} where none was sent")
                self.report.seen(("compare", "defaults", text), have, f"{have!r} stands there where nothing was sent")

    async def duplicates(self, first: Made) -> None:
        """The same userName again; and one that differs in case alone."""
        values = self.values("a", only=self.required)
        for name, what in ((first.name, "a userName that is taken"), (_shouted(first.name), "one in another case")):
            made, said = await self._create({**values, "userName": name})
            if made is not None:
                self.report.bad(
                    f"{what} is accepted again: there are two accounts then",
                    "nothing but the list tells who is there: never let two tools create accounts",
                )
            elif said.status == 409 or "uniqueness" in said.said.lower():
                self.report.good(f"{what} is refused with {said.status}")
            elif said.ok:
                self.report.bad(f"{what} is answered with {said.status}, and no second account is there")
            else:
                self.report.note(f"{what} is refused in a form of its own ({said.short})")

    # -- changes

    async def updates(self, made: Made) -> None:
        """Each form of a single value; the profile's first."""
        texts = single(self._kept)
        if not texts:
            self.report.note("how single values are changed is unknown: none was stored as sent")
            return
        begun = self.profile.users.update
        order = (begun, *(each for each in UPDATES if each != begun))
        works, refused = await self._try(made, texts, order)
        if {"patchPath", "patchPathless"} <= set(refused) and not self.forms.capitalized:
            self.forms.capitalized = True
            found, _ = await self._try(made, texts, ("patchPath", "patchPathless"), again=True)
            self.forms.capitalized = bool(found)
            works = [*found, *works]
        if self.forms.capitalized and self.profile.patch.ops != "capitalized":
            self.report.seen("patch.ops", "capitalized", "operations in lower case are refused")
        if not works:
            self.report.bad("no form of an update works")
            return
        self.form = begun if begun in works else next(form for form in UPDATES if form in works)
        self.report.seen("users.update", self.form, f"{begun} does not work, {self.form} does")

    async def _try(
        self, made: Made, texts: list[str], order: Iterable[Update], *, again: bool = False
    ) -> tuple[list[Update], list[Update]]:
        """The forms that work, and those that are refused for what is in them."""
        works: list[Update] = []
        refused: list[Update] = []
        for form in order:
            before = await self.yard.get(made) or {}
            wanted = {text: self._another(text, before, made) for text in texts}
            said = await self.forms.write(form, made, wanted)
            after = await self.yard.get(made) or {}
            spelled = f"{_NAMES[form]}{' with capitalized operations' if again else ''}"
            if not all(equal(want, parse_path(text).read(after)) for text, want in wanted.items()):
                if said.ok:
                    self.report.bad(f"{spelled} is answered with {said.status}, and changes nothing")
                else:
                    refused += [form] if said.status not in _CANT else []
                    self.report.note(f"{spelled} is refused ({said.short})")
            elif lost := self._lost(before, after, texts):
                self.report.bad(f"{spelled} takes {', '.join(lost)} away")
            else:
                works.append(form)
                self.report.good(f"{spelled} works")
        return works, refused

    def _another(self, text: str, before: Row, made: Made) -> Any:
        """A value that is not there now."""
        value = sample(self.profile, text, made.name, 1)
        have = parse_path(text).read(before)
        if parse_path(text).schema_name in {"displayname", "name.givenname"}:
            self._changes += 1
            return f"{value} {self._changes}"
        return value if have != value else sample(self.profile, text, made.name)

    def _lost(self, before: Row, after: Row, texts: list[str]) -> list[str]:
        others = [text for text in self._kept if text not in texts]
        return [text for text in others if parse_path(text).read(before) and not parse_path(text).read(after)]

    async def lists(self, made: Made) -> None:
        """One element of a multi-valued attribute, alone or with the whole list."""
        path = element(self._kept)
        if path is None or self.form != "patchPath":
            return
        for which, form in ((1, "element"), (0, "whole")):
            want = sample(self.profile, path.text, made.name, which)
            row = await self.yard.get(made) or {}
            if form == "element":
                said = await self.forms.write("patchPath", made, {path.text: want})
            else:
                content: Row = {path.name: member(row, path.name)}
                said = await self.forms.whole(made, path, want, content)
            after = path.read(await self.yard.get(made) or {})
            if equal(want, after, exact=False):
                self.report.good(f"{path.text} can be changed as {_FORMS[form]}")
                self.report.seen("users.multiValued", form, f"{path.text} can be changed so")
                return
            why = f"answered with {said.status}, and changes nothing" if said.ok else f"refused ({said.short})"
            self.report.note(f"{path.text} as {_FORMS[form]} is {why}")

    async def clearing(self, made: Made) -> None:
        needed = {"username", "displayname", "active", *(each.lower() for each in self.required)}
        texts = [text for text in self._kept if text.lower() not in needed and not parse_path(text).key]
        if not texts or self.form in (None, "put"):
            return
        text = texts[-1]
        said = await self.forms.remove(made, parse_path(text).spelled)
        have = parse_path(text).read(await self.yard.get(made) or {})
        if have in (None, "", ()):
            self.report.good(f"a value can be cleared (remove {text})")
        else:
            why = f"answered with {said.status}" if said.ok else f"refused ({said.short})"
            self.report.note(f"remove {text} is {why}, and the value is still there")

    async def versions(self, made: Made) -> None:
        """Whether meta.version moves exactly when the account does, and an old one is refused."""
        texts = single(self._kept)
        if self.form is None or not texts:
            return
        first = await self._version(made)
        if first is None:
            self.report.seen("versions", False, "resources have no version")
            return
        form = self.form
        wanted = {texts[0]: "Reconciler Probe, versioned"}
        await self.forms.write(form, made, wanted)
        second = await self._version(made)
        await self.forms.write(form, made, wanted)
        third = await self._version(made)
        stale = await self.forms.write(form, made, {texts[0]: "Reconciler Probe, stale"}, {"if-match": first})
        fresh = await self.forms.write(
            form, made, {texts[0]: "Reconciler Probe"}, {"if-match": await self._version(made) or first}
        )
        faults = [
            (second == first, "meta.version stays the same when the account changes"),
            (third != second, "meta.version moves on a write that changes nothing"),
            (stale.ok, "If-Match with an old version is not looked at"),
            (not stale.ok and stale.status != 412, f"If-Match with an old version is answered with {stale.status}"),
            (not fresh.ok, f"If-Match with the current version is refused ({fresh.short})"),
        ]
        wrong = [what for is_so, what in faults if is_so]
        for what in wrong:
            self.report.note(what)
        if not wrong:
            self.report.good("versions can be relied on: If-Match with an old one is refused with 412")
        self.report.seen("versions", not wrong, wrong[0] if wrong else "an old version is refused with 412")

    async def _version(self, made: Made) -> str | None:
        return version(await self.yard.ask.send("GET", self.yard.where(made)))


_NAMES: Final[dict[Update, str]] = {
    "patchPath": "PATCH with a path",
    "patchPathless": "PATCH without a path",
    "put": "PUT",
}
_FORMS: Final = {"element": "one element", "whole": "the whole list"}


_LIKELY: Final = ("displayname", "active", "name.familyname", "name.givenname", "emails.value")


def _likely(text: str) -> int:
    """Where an attribute stands among those that servers ask for."""
    name = parse_path(text).schema_name
    return _LIKELY.index(name) if name in _LIKELY else len(_LIKELY)


def _shouted(name: str) -> str:
    local, _, domain = name.partition("@")
    return f"{local.upper()}@{domain}"

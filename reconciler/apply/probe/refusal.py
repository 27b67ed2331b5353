"""Why a server refuses an account: a media type, an address, a value that it does not take, one that it misses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, Final, TypeAlias

from reconciler.apply.probe.people import People
from reconciler.apply.probe.samples import alternatives, sample
from reconciler.apply.probe.yard import Made
from reconciler.live.probe.ask import REFUSED, Said
from reconciler.model.path import parse_path

Attempt: TypeAlias = tuple[Made | None, Said, dict[str, Any]]

_TYPES: Final = ("application/scim+json", "application/json")
_HARMLESS: Final = "example.com"
"""Of nobody (RFC 2606 section 3), and well-formed for those who refuse special-use domains."""
_USUAL: Final = {
    "externalId": "id",
    "displayName": "displayName",
    "name.formatted": "displayName",
    "name.familyName": "surname",
    "name.givenName": "givenName",
    'emails[type eq "work"].value': "mail",
}
"""What servers ask for, and of what people have it is made."""
_LIKELY: Final = ("displayname", "active", "name.familyname", "name.givenname", "emails.value", "externalid")


class Refusals:
    def __init__(self, people: People) -> None:
        self._people = people
        self._report = people.report
        self._names = people.yard.names
        mapped = {parse_path(text).schema_name for text in people.targets}
        self._unmapped = [text for text in _USUAL if parse_path(text).schema_name not in mapped]

    async def other_types(self, wanted: dict[str, Any]) -> tuple[Made | None, Said]:
        made, said = None, Said(415, False)
        told = self._people.profile.content_type
        for kind in _TYPES:
            if kind == told:
                continue
            self._people.yard.ask.headers["content-type"] = kind
            made, said = await self._people.create(wanted)
            if said.status != 415:
                self._report.bad(f"{told} is refused with 415; {kind} is taken")
                self._report.seen("contentType", kind, f"{told} is refused with 415")
                break
        return made, said

    async def overcome(self, wanted: dict[str, Any], refusal: Said) -> Attempt:
        """With what servers ask for beside the mapped values, else without what they do not take."""
        remedies = self._remedies(wanted)
        for some in (some for size in range(1, len(remedies) + 1) for some in combinations(remedies, size)):
            values = self._apply(some, wanted)
            made, said = await self._people.create(values)
            if made is not None:
                self._tell(some, refusal)
                return made, said, values
        self._apply([each for each in remedies if each == "domain"], wanted)
        return await self._without(self._people.values("a"), refusal)

    # -- what helps

    def _remedies(self, wanted: Mapping[str, Any]) -> list[str]:
        emails = any(parse_path(text).name.lower() == "emails" for text in wanted)
        possible = (
            ("primary", emails and not self._people.primary),
            ("domain", self._names.domain.endswith(".invalid")),
            ("more", bool(self._unmapped)),
        )
        self._domain = self._names.domain
        return [name for name, is_so in possible if is_so]

    def _apply(self, some: Iterable[str], wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The values of an attempt; `primary` and the domain hold for all that follow."""
        self._people.primary = "primary" in some or self._people.profile.email_primary
        self._names.domain = _HARMLESS if "domain" in some else self._domain
        return self._people.values("a", only=[*wanted, *(self._unmapped if "more" in some else ())])

    def _tell(self, some: Iterable[str], refusal: Said) -> None:
        if "primary" in some:
            self._report.bad(f"an e-mail address without `primary` is refused ({refusal.short})")
            self._report.seen("emailPrimary", True, f"refused without it: {refusal.short}")
        if "domain" in some:
            self._report.note(
                f"addresses at {self._domain} are refused ({refusal.short}): {_HARMLESS} is taken instead",
                f"--domain {_HARMLESS} saves the attempts",
            )

    # -- what is too much

    async def _without(self, wanted: dict[str, Any], refusal: Said) -> Attempt:
        """What made the server refuse the whole account."""
        needed = {"username", *(each.lower() for each in self._people.required)}
        for text in [each for each in wanted if each.lower() not in needed]:
            fewer = {name: value for name, value in wanted.items() if name != text}
            made, said = await self._people.create(fewer)
            if made is not None:
                await self._refused(text, refusal, fewer)
                return made, said, fewer
        least = {text: value for text, value in wanted.items() if text.lower() in needed}
        made, said = await self._people.create(least)
        if made is None:
            return None, refusal, wanted
        self._report.bad(f"an account with all mapped attributes is refused ({refusal.short}); with few it is not")
        forms, update = self._people.forms, self._people.profile.users.update
        for text in [each for each in wanted if each not in least]:
            alone = await forms.write(update, made, {text: wanted[text]})
            if alone.status in REFUSED:
                alone = await forms.write("put", made, {text: wanted[text]})
            if alone.ok:
                least[text] = wanted[text]
            else:
                await self._refused(text, alone, least)
        return made, said, least

    async def _refused(self, text: str, refusal: Said, without: Iterable[str]) -> None:
        """Left out for good only if no value that is plainly valid is taken; an account without it was made."""
        what = f"{text} is refused, and what is sent with it ({refusal.short})"
        if parse_path(text).name.lower() == "emails" and self._names.reserved:
            hint = f"{self._names.domain} is nobody's domain: --domain names one that the application takes"
            self._report.bad(what, hint)
            return
        others = alternatives(self._people.profile, text)
        if others is None:
            self._report.bad(what, "the probe does not know what is valid there: look at a value of a real account")
            return
        values = self._people.values("d", only=without)
        for other in others:
            made, _ = await self._people.create({**values, text: other})
            if made is not None:
                sent = sample(self._people.profile, text, made.name)
                self._report.bad(
                    f"{text} is refused as {sent!r} and taken as {other!r} ({refusal.short})",
                    "map values that it takes: `values` in mappings.yaml has a table for that",
                )
                return
        self._report.bad(what, f"in mappings.yaml: {{target: '{text}', none: true}}")

    # -- what is missing

    async def needs(self, least: dict[str, Any], refusal: Said) -> tuple[Made | None, dict[str, Any]]:
        """Which further values make the account acceptable; the least is grown by them."""
        made, grown = await self._needed(least, refusal)
        if made is None:
            return None, least
        more = [text for text in grown if text not in least]
        hints = [
            f"{{target: '{text}', source: {_USUAL[text]}}}"
            for text in more
            if text in self._unmapped and text not in self._people.targets
        ]
        self._report.bad(
            f"an account needs {', '.join(more)} too ({refusal.short})",
            f"in mappings.yaml, where nothing fills it yet: {', '.join(hints)}" if hints else "",
        )
        self._people.required = [*self._people.required, *more]
        self._report.seen(("users", "required"), self._people.required, f"refused without: {refusal.short}")
        return made, grown

    async def _needed(self, least: dict[str, Any], refusal: Said) -> tuple[Made | None, dict[str, Any]]:
        """Those that the refusals name, else one alone, else several together."""
        possible = self._people.values("b", only=[*self._people.targets, *self._unmapped])
        wanted = sorted(possible.items(), key=lambda item: _likely(item[0]))
        rest = {text: value for text, value in wanted if text not in least}
        grown, said = dict(least), refusal
        while named := _named(said.said, [text for text in rest if text not in grown]):
            grown[named] = rest[named]
            made, said = await self._people.create(grown)
            if made is not None:
                return made, grown
        for text, value in rest.items():
            made, _ = await self._people.create({**least, text: value})
            if made is not None:
                return made, {**least, text: value}
        grown = dict(least)
        for text, value in rest.items():
            grown[text] = value
            made, _ = await self._people.create(grown)
            if made is not None:
                return made, grown
        return None, least


def _named(said: str, texts: Iterable[str]) -> str | None:
    """The attribute that a refusal speaks of: by its path, else by its last name alone."""
    lower = said.lower()
    for text in texts:
        if text.lower() in lower:
            return text
    return next((text for text in texts if (parse_path(text).sub or text).lower() in lower.split()), None)


def _likely(text: str) -> int:
    """Where an attribute stands among those that servers ask for."""
    name = parse_path(text).schema_name
    return _LIKELY.index(name) if name in _LIKELY else len(_LIKELY)

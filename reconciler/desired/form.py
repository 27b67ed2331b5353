"""Reading the fields of one mapping: what is wrong with a value is reported at its place, and the answer is None."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from reconciler.desired.document import Document, Entries, Items, Mark
from reconciler.desired.findings import Findings, kind_of, shown
from reconciler.errors import Place
from reconciler.model.window import ALWAYS, EXAMPLE, Window, between, closes_at, opens_at

_ID = re.compile(r"\w[\w.@+~'-]{0,127}\Z")
ENDS = ("from", "until")
NEVER_HOLDS = "`until` is the last day of it, or the moment at which it ends, and comes after `from`"
NOT_YET = "is part of the format but not supported by this version yet"
NOT_YET_HINT = "take it out: ignored, it could give somebody access, or let them keep it"


@dataclass(slots=True, frozen=True)
class Form:
    """One file and where its problems go."""

    document: Document
    findings: Findings

    def place(self, mark: Mark) -> Place:
        return self.document.place(mark)

    def error(self, mark: Mark, message: str, hint: str = "") -> None:
        self.findings.error(self.document.place(mark), message, hint)

    def text(self, entries: Entries, key: str) -> str | None:
        return self.as_text(entries[key], entries.marks[key], f"`{key}`")

    def as_text(self, value: Any, mark: Mark, what: str) -> str | None:
        """Text, or None; a number or a boolean must be quoted to become text."""
        if isinstance(value, str) or value is None:
            return value
        if isinstance(value, dict | list):
            self.error(mark, f"{what} must be text, this is {kind_of(value)}")
        else:
            written = self.document.written(mark)
            self.error(mark, f"{what} must be text, this is {kind_of(value)}", f'quote it: "{shown(written)}"')
        return None

    def flag(self, entries: Entries, key: str) -> bool | None:
        value = entries[key]
        if isinstance(value, bool) or value is None:
            return value
        self.error(entries.marks[key], f"`{key}` must be true or false, this is {kind_of(value)}", _meant(value))
        return None

    def texts(self, entries: Entries, key: str) -> tuple[str, ...] | None:
        found = [self.as_text(value, mark, f"an entry of `{key}`") for value, mark in self.items(entries, key)]
        return tuple(text for text in found if text is not None)

    def items(self, entries: Entries, key: str) -> Iterator[tuple[Any, Mark]]:
        """The entries of a list with their marks. Null is an empty list."""
        value = entries[key]
        if isinstance(value, Items):
            yield from zip(value, value.marks, strict=True)
        elif value is not None:
            hint = (
                f"write `{key}: [{shown(value)}]`"
                if isinstance(value, str)
                else "write one entry a line, each after `- `"
            )
            self.error(entries.marks[key], f"`{key}` must be a list, this is {kind_of(value)}", hint)

    def identifier(self, value: Any, mark: Mark, what: str) -> str | None:
        """An id: letters, digits and . _ - @ + ~ '; nothing that means something in keys, releases and file names."""
        if value is None:
            self.error(mark, f"{what} is empty")
            return None
        text = self.as_text(value, mark, what)
        if text is None or is_identifier(text):
            return text
        self.error(
            mark,
            f"{what} can't be `{shown(text)}`",
            "up to 128 letters, digits and . _ - @ + ~ ', beginning with a letter or digit",
        )
        return None

    def identity(self, entries: Entries, alone: bool, what: str) -> str | None:
        """The id of a person or a group; the stem of the file's name if the file holds nobody else."""
        if "id" in entries:
            return self.identifier(entries["id"], entries.marks["id"], "`id`")
        if not alone:
            self.error(entries.mark, f"{what} in a list needs an `id`")
            return None
        stem = stem_of(self.document.file)
        if not is_identifier(stem):
            self.error(entries.mark, f"the file's name gives no id: `{shown(stem)}`", "add an `id`, or rename the file")
            return None
        return stem

    def window(self, entries: Entries, zone: tzinfo) -> Window:
        """`from` and `until` of a person or a membership, whole days in `zone`."""
        written = {}
        for key in ENDS:
            if key not in entries:
                continue
            value, mark = entries[key], entries.marks[key]
            if not isinstance(value, str):
                self.error(mark, f"`{key}` must be a day or a time, this is {kind_of(value)}", EXAMPLE)
            elif not _is_moment(value, zone):
                self.error(mark, f"`{key}` can't be `{shown(value)}`: no day, nor a time with an offset", EXAMPLE)
            else:
                written[key] = value
        window = between(written.get("from", ""), written.get("until", ""), zone) if written else ALWAYS
        if window.empty:
            self.error(entries.marks["until"], never_holds(window), NEVER_HOLDS)
        return window

    def unknown(self, entries: Entries, key: str, known: Collection[str], where: str) -> None:
        hint = self.findings.did_you_mean(key, known)
        self.error(entries.key_marks[key], f"unknown key `{shown(key)}` in {where}", hint)

    def formerly(self, entries: Entries, known: Collection[str]) -> tuple[dict[str, str], ...]:
        """Earlier identities: a list of mappings of text attributes or `id`."""
        former = []
        for value, mark in self.items(entries, "formerly"):
            if not isinstance(value, Entries) or not value:
                self.error(
                    mark,
                    "an entry of `formerly` must be a mapping",
                    "such as `- userPrincipalName: ada.byron@contoso.com`",
                )
                continue
            identity = {}
            for key in value:
                if key == "id":
                    text = self.identifier(value[key], value.marks[key], "`formerly.id`")
                elif key in known:
                    text = self.text(value, key)
                else:
                    self.unknown(value, key, (*known, "id"), "`formerly`")
                    continue
                if text is not None:
                    identity[key] = text
            if identity:
                former.append(identity)
        return tuple(former)

    def accounts(self, entries: Entries, apps: Collection[str]) -> dict[str, str]:
        """App → the id of the account there."""
        value = entries["accounts"]
        if value is None:
            return {}
        if not isinstance(value, Entries):
            self.error(
                entries.marks["accounts"], "`accounts` must be a mapping", 'such as `accounts: {hootsuite: "16494879"}`'
            )
            return {}
        pins = {}
        for app in value:
            if app not in apps:
                self.error(
                    value.key_marks[app], f"there is no app `{shown(app)}`", self.findings.did_you_mean(app, apps)
                )
            elif account := self.as_text(value[app], value.marks[app], f"the account in `{app}`"):
                pins[app] = account
            elif value[app] in (None, ""):
                self.error(
                    value.marks[app], f"the account in `{app}` is empty", "remove the line, or write the account's id"
                )
        return pins


def never_holds(window: Window) -> str:
    return f"never holds: {window}"


def _is_moment(text: str, zone: tzinfo) -> bool:
    try:
        return bool(opens_at(text, zone) and closes_at(text, zone))
    except ValueError:
        return False


def is_identifier(text: str) -> bool:
    return bool(_ID.match(text))


def stem_of(file: str) -> str:
    """The id that a file's name gives. Some file systems decompose accents: composed, they are equal everywhere."""
    return unicodedata.normalize("NFC", file.rpartition("/")[2].removesuffix(".yaml"))


def entries_of(form: Form, what: str) -> Iterable[tuple[Entries, bool]]:
    """The mappings that a file holds, each with whether it is alone in it: its id may then be the file's stem."""
    value = form.document.value
    if isinstance(value, Entries):
        yield value, True
    elif isinstance(value, Items):
        for item, mark in zip(value, value.marks, strict=True):
            if isinstance(item, Entries):
                yield item, False
            else:
                form.error(mark, f"{what} must be a mapping, this is {kind_of(item)}")
        if not value:
            form.findings.warning(form.document.start, "an empty list", "remove the file")
    elif value is None:
        form.findings.error(Place(form.document.file), "an empty file", f"describe {what}, or remove the file")
    else:
        form.findings.error(form.document.start, f"{what} must be a mapping, this is {kind_of(value)}")


def _meant(value: object) -> str:
    meaning = {
        "no": "false",
        "off": "false",
        "n": "false",
        "false": "false",
        "yes": "true",
        "on": "true",
        "y": "true",
        "true": "true",
    }
    meant = meaning.get(value.casefold()) if isinstance(value, str) else None
    return f"write `{meant}`, without quotes" if meant else ""

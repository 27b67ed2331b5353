"""CODEOWNERS as GitHub and GitLab read it: which owners have to approve a change of a file.

Sources: GitHub, "About code owners"; GitLab, "Syntax of CODEOWNERS file" and "Advanced CODEOWNERS configuration". Both
take the last line that matches; GitLab does so in each section, and asks for all sections. A line that a forge does not
understand, it leaves out, and so do we: who has no owner can be changed by anybody who may merge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from reconciler.model.owned import Approval, Owned

Forge: TypeAlias = Literal["github", "gitlab"]
PLACES: Final[dict[Forge, tuple[str, ...]]] = {
    "github": (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    "gitlab": ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
}
"""Where each looks, in this order; the first that is there counts."""
MAX_BYTES: Final = 3_000_000
"""A larger one GitHub does not read at all."""

_HEADING = re.compile(r"(?P<optional>\^)?\[(?P<name>[^\]]+)\](?:\[(?P<count>\d+)\])?(?P<owners>.*)")
_OWNER = re.compile(r"@@?[\w.\-]+(?:/[\w.\-]+)*|[^\s@]+@[^\s@]+\.[^\s@]+")
_PATTERN = re.compile(r"(?:\\.|[^\s\\])+")
_SIGN = re.compile(r"[*?\\\[]")
_WILD = re.compile(r"\\(?P<plain>.)|\*+|(?P<one>\?)|\[[!^]?(?P<first>[^\]])[^\]]*\]")


class _Rule(NamedTuple):
    pattern: str
    matches: re.Pattern[str]
    owners: tuple[str, ...]
    line: int
    begins: str
    """How the path of every file begins that matches."""
    excludes: bool = False

    def may_match_in(self, folder: str) -> bool:
        """Whether it can match a file directly in `folder`, which is "" or ends with a slash."""
        return folder.startswith(self.begins)


class _Section:
    """Lines of which the last that matches counts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.optional = False
        self.count = 1
        self.rules: list[_Rule] = []
        self.excludes = False
        """One of the lines takes files out."""

        self._near: dict[str, list[_Rule]] = {}
        """Folder → the lines that can matter in it, the last first: people are many, and lie in few folders."""

    def decides(self, file: str) -> _Rule | None:
        """The line that counts for a file."""
        folder = file[: file.rfind("/") + 1]
        near = self._near.get(folder)
        if near is None:
            near = self._near[folder] = [rule for rule in reversed(self.rules) if rule.may_match_in(folder)]
        for rule in near:
            if rule.matches.fullmatch(file):
                excluded = self.excludes and any(each.excludes and each.matches.fullmatch(file) for each in near)
                return None if excluded else rule
        return None


class Codeowners:
    """One CODEOWNERS file. `file` is where it lies in the repository; "" where there is none."""

    def __init__(self, forge: Forge, file: str, text: str) -> None:
        self.forge, self.file, self.text = forge, file, text
        self._known: dict[str, Owned] = {}
        self._owned: dict[tuple[int, ...], Owned] = {}
        """Lines that count together → what they say, one object each."""

    def of(self, file: str) -> Owned:
        """Who has to approve a change of a file, named from the top of the repository."""
        known = self._known.get(file)
        if known is None:
            rules = [(section, section.decides(file)) for section in self._sections if not section.optional]
            lines = tuple(rule.line for _, rule in rules if rule is not None and rule.owners)
            known = self._owned.get(lines)
            if known is None:
                known = self._owned[lines] = Owned(
                    tuple(
                        Approval(rule.owners, section.count, section.name, rule.line)
                        for section, rule in rules
                        if rule is not None and rule.owners
                    )
                )
            self._known[file] = known
        return known

    @cached_property
    def _sections(self) -> list[_Section]:
        return _github(self.text) if self.forge == "github" else _gitlab(self.text)

    def samples(self, folder: str, endings: tuple[str, ...] = (".yaml",)) -> Iterator[str]:
        """Files that might be put below a folder, for each line that could give them owners of its own."""
        above = folder.split("/")
        found: dict[str, None] = {}
        for section in self._sections:
            for rule in section.rules:
                parts = [_WILD.sub(_anything, part) for part in rule.pattern.strip("/").split("/")]
                for name in _ended(parts, endings):
                    for path in (name, [*above, *name], [*above, *name[len(above) :]]):
                        if (
                            len(path) > len(above)
                            and path[: len(above)] == above
                            and rule.matches.fullmatch("/".join(path))
                        ):
                            found["/".join(path)] = None
        yield from found


def _anything(sign: re.Match[str]) -> str:
    """What a sign of a pattern can stand for."""
    return sign["plain"] or sign["first"] or ("n" if sign["one"] else "new")


def _ended(parts: list[str], endings: tuple[str, ...]) -> Iterator[list[str]]:
    """A path as it is, or with one of these endings, or with a file in it."""
    if parts[-1].endswith(endings):
        yield parts
        return
    for ending in endings:
        yield [*parts[:-1], parts[-1] + ending]
        yield [*parts, f"new{ending}"]


def _github(text: str) -> list[_Section]:
    section = _Section("")
    for number, line in _lines(text):
        pattern, words = _split(line)
        owners = tuple(words.partition("#")[0].split())
        if pattern.startswith("!") or "[" in pattern or not all(_OWNER.fullmatch(owner) for owner in owners):
            continue
        begins = _literal(pattern) if "/" in pattern.rstrip("/") else ""
        section.rules.append(_Rule(pattern, _like_gitignore(pattern), owners, number, begins))
    return [section]


def _gitlab(text: str) -> list[_Section]:
    """Sections of the same name are one; where their headings differ, the weaker one counts."""
    unnamed = _Section("")
    sections = {"": unnamed}
    section = unnamed
    default: tuple[str, ...] = ()
    for number, line in _lines(text):
        if heading := _HEADING.fullmatch(line):
            name = heading["name"].strip()
            known = name.lower() in sections
            section = sections.setdefault(name.lower(), _Section(name))
            count = max(1, int(heading["count"] or 1))
            section.count = min(section.count, count) if known else count
            section.optional = section.optional or heading["optional"] is not None
            default = tuple(_OWNER.findall(heading["owners"]))
            continue
        pattern, words = _split(line)
        excludes = pattern.startswith("!")
        pattern = pattern.removeprefix("!")
        owners = tuple(_OWNER.findall(words)) or default
        begins = _literal(pattern) if pattern.startswith("/") else ""
        section.excludes = section.excludes or excludes
        section.rules.append(_Rule(pattern, _like_fnmatch(pattern), owners, number, begins, excludes))
    return list(sections.values())


def _literal(pattern: str) -> str:
    """The folders that an anchored pattern names before anything in it is a sign."""
    plain = _SIGN.split(pattern.lstrip("/"))[0]
    return plain[: plain.rfind("/") + 1]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _split(line: str) -> tuple[str, str]:
    """Pattern and owners; a blank after a backslash is of the pattern."""
    found = _PATTERN.match(line)
    pattern = found.group() if found else line
    return pattern, line[len(pattern) :]


@lru_cache(maxsize=4096)
def _like_gitignore(pattern: str) -> re.Pattern[str]:
    """gitignore(5), but that `folder/*` means the files in a folder and none further down."""
    parts = pattern.strip("/").split("/")
    anchored = "/" in pattern.rstrip("/")
    if pattern.endswith("/"):
        end = "/.*"
    elif anchored and parts[-1] == "*":
        end = ""
    else:
        end = "(?:/.*)?"
    return re.compile(_path(parts if anchored else ["**", *parts]) + end, re.DOTALL)


@lru_cache(maxsize=4096)
def _like_fnmatch(pattern: str) -> re.Pattern[str]:
    """Ruby's File.fnmatch with FNM_PATHNAME and FNM_DOTMATCH, after what GitLab makes of a pattern."""
    parts = pattern.removeprefix("/").split("/")
    if not pattern.startswith("/"):
        parts.insert(0, "**")
    if pattern.endswith("/"):
        parts[-1:] = ["**", "*"]
    return re.compile(_path(parts, classes=True), re.DOTALL)


def _path(parts: list[str], *, classes: bool = False) -> str:
    """A path of patterns. What stands between two `**` matches where it first can, and never again: the time that a
    pattern takes is bounded, whoever wrote it.
    """
    blocks: list[list[str]] = [[]]
    for part in parts:
        if part == "**":
            blocks.append([])
        else:
            blocks[-1].append(_part(part, classes=classes))
    first, *others = ["/".join(block) for block in blocks]
    others = [other for other in others[:-1] if other] + others[-1:]
    if not others:
        return first
    *between, last = others
    start = f"{first}/" if first else ""
    middle = "".join(f"(?>(?:[^/]*/)*?{other}/)" for other in between)
    return start + middle + (f"(?:[^/]*/)*?{last}" if last else ".+")


def _part(part: str, *, classes: bool) -> str:
    """One name between slashes."""
    pieces = [""]
    at = 0
    while at < len(part):
        char = part[at]
        if char == "*":
            pieces.append("")
        elif char == "?":
            pieces[-1] += "[^/]"
        elif classes and char == "[" and (end := part.find("]", at + 2)) > 0:
            chosen = part[at + 1 : end]
            negated = chosen[0] in "!^"
            pieces[-1] += f"[{'^/' if negated else ''}{_class(chosen[1:] if negated else chosen)}]"
            at = end
        else:
            at += char == "\\" and at + 1 < len(part)
            pieces[-1] += re.escape(part[at])
        at += 1
    first, *others = pieces
    if not others:
        return first
    *between, last = [*[piece for piece in others[:-1] if piece], others[-1]]
    return first + "".join(f"(?>[^/]*?{piece})" for piece in between) + f"[^/]*{last}(?![^/])"


def _class(characters: str) -> str:
    return "".join(char if char == "-" else re.escape(char) for char in characters)

"""What a revocation came to in each app, for somebody who is in a hurry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.render.safe import safe
from reconciler.render.style import Style

_MARKS: Final = {
    "deactivated": ("✓", "green"),
    "alreadyInactive": ("✓", "green"),
    "noAccount": ("·", "dim"),
}
_WORDS: Final = {
    "deactivated": "deactivated",
    "alreadyInactive": "inactive",
    "noAccount": "no account",
    "unclear": "NOT DONE: not clear whose",
    "protected": "NOT DONE: protected",
    "actsAs": "NOT DONE: the token's own",
    "ignored": "NOT DONE: ignored",
    "appCannot": "NOT DONE: not possible",
    "failed": "NOT DONE: failed",
}


@dataclass(frozen=True, slots=True)
class InApp:
    """One app. `trouble`: why the memory does not have it; `busy`: an apply is still running."""

    app: str
    result: str
    account: str | None = None
    name: str = ""
    message: str = ""
    trouble: str = ""
    busy: bool = False


def revocation(
    key: str,
    apps: Sequence[InApp],
    broken: Mapping[str, str],
    style: Style,
    *,
    until: str | None,
    permanent: tuple[str, str] | None,
) -> str:
    """`broken`: app → what is wrong with its files. `permanent`: (file:line, id) of the person, if a file is known."""
    lines = [style(f"revoke {safe(key)}", "bold"), ""]
    widest = max((len(safe(each.app)) for each in apps), default=0)
    for each in apps:
        lines += _in_app(each, widest, style)
    for app, why in broken.items():
        lines.append(f"  {style('✗', 'red')} {safe(app)}  NOT DONE: its files can't be used: {safe(why, 300)}")
    lines += ["", *_from_now_on(key, apps, until, permanent)]
    return "\n".join(lines) + "\n"


def _in_app(each: InApp, widest: int, style: Style) -> list[str]:
    mark, colour = _MARKS.get(each.result, ("✗", "red"))
    account = f"  {safe(each.account)}" if each.account else ""
    name = f" ({safe(each.name)})" if each.name else ""
    words = style(_WORDS.get(each.result, each.result), colour)
    lines = [f"  {style(mark, colour)} {safe(each.app):<{widest}}  {words}{account}{name}"]
    if each.message:
        lines.append(f"      {style(safe(each.message, 300), 'dim')}")
    if each.trouble:
        lines.append(f"      {style('the memory does not have it', 'red')}: {safe(each.trouble, 300)}")
        lines.append("      the next apply may undo it: revoke again as soon as that is mended")
    if each.busy:
        lines.append(f"      {style('an apply is still running', 'red')}: revoke again when it has ended")
    return lines


def _from_now_on(key: str, apps: Sequence[InApp], until: str | None, permanent: tuple[str, str] | None) -> list[str]:
    lines = []
    if any(each.result not in ("protected", "actsAs", "ignored") and not each.trouble for each in apps):
        end = f"until {until}, or until" if until else "until"
        lines.append(f"Every plan respects it {end} `reconciler release {safe(key)}`.")
    if permanent is None:
        lines.append("No file is known that describes them: nothing is to be changed in git, or it can't be read.")
    else:
        place, identity = permanent
        lines += [
            f"To make it permanent, write into {safe(place, 300)}:",
            "",
            "    accountEnabled: false",
            "",
            f"`reconciler offboard {safe(identity)}` does that, and ends the memberships, for a pull request.",
        ]
    return lines

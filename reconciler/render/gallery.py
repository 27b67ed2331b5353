"""The gallery for people: what an application can't do, how fast it may be asked, and what to know of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reconciler.model.mapping import Mapping
from reconciler.model.profile import Impossible, Profile
from reconciler.model.rate import Bucket, Quota
from reconciler.render.safe import width
from reconciler.render.style import Style

_PLAIN: Final = 100
"""Columns of running text where nobody knows how wide the reader's screen is."""
_WIDEST: Final = 40
"""Columns of a target: what is longer stands out, and aligns nothing else."""
_VERBS: Final[dict[Impossible, tuple[str, str]]] = {
    "createUser": ("create", "users"),
    "renameUser": ("rename", "users"),
    "deactivateUser": ("deactivate", "users"),
    "reactivateUser": ("reactivate", "users"),
    "deleteUser": ("delete", "users"),
    "createGroup": ("create", "groups"),
    "updateGroup": ("change", "groups"),
    "renameGroup": ("rename", "groups"),
    "deleteGroup": ("delete", "groups"),
    "addMembers": ("add", "members"),
    "removeMembers": ("remove", "members"),
    "readMembers": ("show", "members"),
}
_EFFECTS: Final = {
    "deactivated": "the account stays, without access",
    "removed": "the account is removed from the organization",
    "deleted": "the account is deleted",
}
_METHODS: Final = {
    "bearer": "bearer token",
    "clientCredentials": "OAuth 2.0 client credentials",
    "mutualTls": "client certificate",
}
_MEMBERS: Final = {
    "inLists": "shown with every group",
    "byId": "shown by a group that is read alone",
    "byFilter": "found by a filter on users, group by group",
    "never": "shown nowhere: the memory says who was put into a group",
}


def cannot(profile: Profile) -> str:
    """In a few words: `create or delete groups`. Empty: nothing is ruled out."""
    verbs: dict[str, list[str]] = {}
    for action in _VERBS:
        if action in profile.cannot:
            verb, noun = _VERBS[action]
            verbs.setdefault(noun, []).append(verb)
    found = [f"{' or '.join(each)} {noun}" for noun, each in verbs.items()]
    if not profile.groups.supported:
        found.append("manage groups")
    return ", ".join(found)


def deactivation(profile: Profile) -> str:
    """What it does to an account, and whether there is a way back."""
    if not profile.users.deactivate:
        return "impossible"
    return f"{_EFFECTS[profile.users.effect]}{'' if profile.users.reversible else ', for good'}"


def limits(profile: Profile) -> Iterator[str]:
    """What slows a plan or an apply down, the widest first."""
    rate = profile.rate
    yield from _quota(rate, "requests")
    yield from _quota(rate.reads, "reads")
    yield from _quota(rate.writes, "writes")
    yield from map(_bucket, rate.buckets)
    if profile.max_bytes:
        yield f"{profile.max_bytes:,} bytes a request"


def _quota(quota: Quota, noun: str) -> Iterator[str]:
    if quota.per_second:
        yield f"{quota.per_second:g} {noun} a second"
    if quota.per_minute:
        yield f"{quota.per_minute:,} {noun} a minute"
    if quota.per_day:
        yield f"{quota.per_day:,} {noun} a day"


def _bucket(bucket: Bucket) -> str:
    methods = " or ".join(filter(None, (", ".join(bucket.methods[:-1]), *bucket.methods[-1:]))) or "any request"
    larger = f" of more than {bucket.larger_than:,} bytes" if bucket.larger_than else ""
    return f"{bucket.count:,} in {_time(bucket.seconds)} of {f'{methods} {bucket.path}'.strip()}{larger}"


def _time(seconds: float) -> str:
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= length and seconds % length == 0:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"


def overview(profiles: Iterable[Profile], style: Style) -> str:
    """One line for each application, or as many as what it can't do takes."""
    rows = [("name", "application", "can't", "verified")]
    rows += [(each.name, each.title, cannot(each) or "-", each.verified) for each in profiles]
    wide = [max(width(row[n]) for row in rows) for n in range(4)]
    if style.columns:
        wide[2] = min(wide[2], max(style.columns - wide[0] - wide[1] - wide[3] - 6, 16))
    lines = []
    for number, (name, title, ruled_out, verified) in enumerate(rows):
        first, *rest = textwrap.wrap(ruled_out, wide[2])
        line = f"{name:<{wide[0]}}  {title:<{wide[1]}}  {first:<{wide[2]}}  {verified}".rstrip()
        lines.append(style(line, "bold") if number == 0 else line)
        lines += [f"{'':<{wide[0] + wide[1] + 4}}{row}" for row in rest]
    lines += ["", "reconciler gallery NAME shows everything that is known of one."]
    return "\n".join(lines) + "\n"


def application(profile: Profile, style: Style) -> str:
    """Everything that a person wants to know before they connect it."""
    blocks = [
        [
            f"{style(profile.title, 'bold')}  {profile.name}   verified: {profile.verified}",
            *_text(profile.description, style),
        ],
        _facts(profile, style),
        _listed("CAN'T BE DONE", _sentences(profile), style),
        _listed("LIMITS", list(limits(profile)), style),
        _listed("WHAT TO KNOW", [f"{quirk.says} [{quirk.source}]" for quirk in profile.quirks], style),
        *(_mappings(kind, found, style) for kind, found in _kinds(profile) if found),
        _sources(profile, style),
        [style("TRY IT", "bold"), f"  reconciler sandbox --gallery {profile.name}"],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _sentences(profile: Profile) -> list[str]:
    none = [] if profile.groups.supported else [f"{profile.title} has no groups that can be managed over SCIM"]
    return [*profile.cannot.values(), *none]


def _kinds(profile: Profile) -> Iterator[tuple[str, Sequence[Mapping]]]:
    yield "users", profile.mappings.users
    if profile.groups.supported:
        yield "groups", profile.mappings.groups


def _facts(profile: Profile, style: Style) -> list[str]:
    users, groups = profile.users, profile.groups
    rows = [
        ("tenant URL", profile.tenant_url or "as the application says"),
        ("authentication", ", ".join(_METHODS[method] for method in profile.authentication.methods)),
        ("deactivation", deactivation(profile)),
        ("deletion", _deletion(profile)),
        ("needed", ", ".join(users.required)),
        ("members", f"{_MEMBERS[groups.read_members]}; {groups.max_members:,} a request" if groups.supported else ""),
        ("settles", f"{profile.settle_seconds:g} seconds after a write" if profile.settle_seconds else ""),
        ("own attributes", ", ".join(profile.targets)),
    ]
    wide = max(len(name) for name, value in rows if value)
    return [line for name, value in rows if value for line in _hanging(f"  {name:<{wide}}  ", value, style)]


def _deletion(profile: Profile) -> str:
    users, groups = profile.users, profile.groups
    of_users = "deactivates" if users.delete_effect == "deactivated" else "for good"
    told = f"of users: {of_users if users.delete else 'impossible'}"
    return f"{told}; of groups: {'for good' if groups.delete else 'impossible'}" if groups.supported else told


def _listed(heading: str, sentences: Sequence[str], style: Style) -> list[str]:
    if not sentences:
        return []
    return [style(heading, "bold"), *(line for each in sentences for line in _hanging("  - ", each, style))]


def _mappings(kind: str, mappings: Sequence[Mapping], style: Style) -> list[str]:
    wide = max((len(m.target) for m in mappings if len(m.target) <= _WIDEST), default=0)
    lines = [style(f"MAPPINGS OF {kind.upper()}", "bold")]
    for mapping in mappings:
        long = len(mapping.target) > wide
        lines += [f"  {mapping.target}"] if long else []
        lines += _hanging(f"  {'' if long else mapping.target:<{wide}}  ← ", _source(mapping), style)
    return lines


def _source(mapping: Mapping) -> str:
    """Where the value comes from, and what is special about it."""
    value = mapping.source or mapping.expression or f"{mapping.constant!r}"
    notes = [
        f"matching {mapping.matching}" if mapping.matching else "",
        "on creation only" if mapping.apply == "onCreate" else "",
        f"{mapping.default} if empty" if mapping.default is not None else "",
        "translated" if mapping.values is not None else "",
    ]
    told = ", ".join(filter(None, notes))
    return f"{value}   ({told})" if told else value


def _sources(profile: Profile, style: Style) -> list[str]:
    if not profile.sources:
        return []
    wide = max(len(name) for name in profile.sources)
    lines = [style("SOURCES", "bold")]
    for name, where in profile.sources.items():
        lines += _hanging(f"  {name:<{wide}}  ", where, style)
    return lines


def _text(text: str, style: Style) -> list[str]:
    return textwrap.wrap(text, style.columns or _PLAIN, break_on_hyphens=False)


def _hanging(lead: str, text: str, style: Style) -> list[str]:
    """`text` behind `lead`, and under itself where it goes on."""
    under = " " * len(lead)
    return textwrap.wrap(
        lead + text, max(style.columns or _PLAIN, len(under) + 20), subsequent_indent=under, break_long_words=False,
        break_on_hyphens=False, replace_whitespace=False,
    )  # fmt: skip

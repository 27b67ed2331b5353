"""What new people of an application are called in the files, and what is to be said of the application itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from reconciler.model.profile import Profile
from reconciler.model.snapshot import Snapshot
from reconciler.sources.invert import Inversion
from reconciler.sources.naming import id_of


def new_ids(names: Mapping[int, tuple[str, str]], taken: Collection[str]) -> dict[int, str]:
    """Account → id, from the name that they sign in with and the account's own id. `taken`: ids without case.

    Who shares the short form with somebody gets the long one, all of them: no order decides.
    """
    short = {at: id_of(name.partition("@")[0], "", ()) if is_named(name) else "" for at, (name, _) in names.items()}
    long = {at: id_of(name, "", ()) if is_named(name) else "" for at, (name, _) in names.items()}
    once, once_long, gone = Counter(short.values()), Counter(long.values()), set(taken)
    reserved = {*taken, *short.values(), *long.values()}
    found: dict[int, str] = {}
    for at, (name, own) in names.items():
        if short[at] and once[short[at]] == 1 and short[at] not in gone:
            found[at] = short[at]
        elif long[at] and once_long[long[at]] == 1 and long[at] not in gone and long[at] not in once:
            found[at] = long[at]
        else:
            found[at] = id_of(short[at] or name, own, reserved)
        gone.add(found[at])
        reserved.add(found[at])
    return found


def is_named(name: str) -> bool:
    """Whether anything of a name before its @ can be read."""
    return any(c.isalnum() for c in name.partition("@")[0])


def notes_of(profile: Profile, snapshot: Snapshot, users: Inversion) -> list[str]:
    """What the application makes itself, and what it does not tell."""
    title, notes = profile.title, []
    if targets := users.computed:
        notes.append(f"{title} may have made {', '.join(targets)} itself: no plan compares what the files say of it")
    for path, value in profile.compare.defaults.items():
        notes.append(f"{title} says {path} is {value} where nothing was sent: that is left out")
    if not profile.groups.supported:
        notes.append(f"{title} has no groups over SCIM: everybody is assigned one by one")
    elif profile.groups.read_members == "never":
        notes.append(f"{title} does not show who is in a group: groups come without members")
    if not profile.users.lists_inactive:
        notes.append(f"{title} does not list deactivated accounts: nobody knows of them here")
    if snapshot.partial or not profile.paging.trusted:
        notes.append(f"lists of {title} leave out people: whoever is not in them is not taken over")
    return notes

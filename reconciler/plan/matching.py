"""Whose account is whose, and which group is which: `identity` applied to people and to groups."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.model.desired import Column, Person
from reconciler.model.state import Binding, State
from reconciler.model.values import RemoteId, Value, group_key, is_null, user_key
from reconciler.plan.context import Context
from reconciler.plan.difference import digest
from reconciler.plan.identity import Claimant, Identity, Resolver, Theirs, normal
from reconciler.plan.resemblance import bare, differs


def match_users(context: Context, side: Theirs) -> Identity:
    """Whose account is whose."""
    desired, state = context.desired, context.state
    resolver = Resolver(
        side,
        {k: b for k, b in state.bindings.items() if k.startswith("user:")},
        present=lambda key: key[5:] in desired.directory.users,
        releases=context.releases,
        drop_lost="emptyApp" in context.releases,
    )
    app = context.app.name
    for number, person in enumerate(desired.people):
        user = person.user
        former_ids = [f"user:{f['id']}" for f in user.formerly if "id" in f] if user.formerly else ()
        resolver.settle(
            number,
            f"user:{user.id}",
            user.accounts.get(app) if user.accounts else None,
            former_ids,
            lambda number=number, person=person: _claimant(number, person),  # type: ignore[misc]
        )
    identity = resolver.resolve(_leaves_name(context, side, resolver), _doubt(context), _is_plain(context))
    _keep_bound(identity, side, lambda number: state.bindings.get(user_key(desired.people[number].user.id)))
    _drop_moot(context, identity)
    return identity


def _drop_moot(context: Context, identity: Identity) -> None:
    """Who is to lose access, and has none, is not asked about. A question that nobody sees keeps nothing as it is."""
    accounts, people = context.snapshot.accounts, context.desired.people
    seen = {
        number
        for at, asking in identity.contested.items()
        if accounts[at].active or at in identity.owner
        for number in asking
    }
    identity.moot = {n for n in identity.questions if n not in seen and not people[n].wanted}
    if identity.moot:
        left = {at: [n for n in asking if n not in identity.moot] for at, asking in identity.contested.items()}
        identity.contested = {at: asking for at, asking in left.items() if asking}


def _keep_bound(identity: Identity, side: Theirs, binding_of: Callable[[int], Binding | None]) -> None:
    """What somebody in question is bound to is in question with them: nobody else's, and not unmanaged."""
    for number in sorted(identity.questions):
        binding = binding_of(number)
        at = None if binding is None else side.numbers.get(binding["id"])
        if at is not None and at not in identity.owner and number not in identity.contested.get(at, ()):
            identity.contested.setdefault(at, []).append(number)


def _claimant(number: int, person: Person) -> Claimant:
    return Claimant(number, user_key(person.user.id), person.match, person.former, person.wanted)


def _leaves_name(context: Context, side: Theirs, resolver: Resolver) -> Callable[[str, int, str], bool]:
    """Whether this plan renames a bound person away from a matching value: wanted, allowed, and writable."""
    desired, identity, state = context.desired, resolver.identity, context.state
    columns = sorted((c for c in desired.user_columns if c.matching), key=lambda c: c.matching)

    def leaves(key: str, column: int, value: str) -> bool:
        number = desired.numbers.get(key[5:])  # type: ignore[call-overload]
        at = None if number is None else identity.found.get(number)
        if number is None or at is None or number in identity.questions or not _is_bound(state, key, side.ids[at]):
            return False
        person = desired.people[number]
        if not person.wanted or at in context.ignored_accounts or context.guarded(key, at):
            return False
        return _moves_on(context, key, columns[column], person.match[column], value, exact=side.exact[column])

    return leaves


def _is_bound(state: State, key: str, id_: str) -> bool:
    """Whether it is what the memory says, and no pin took another one."""
    return key in state.bindings and state.bindings[key]["id"] == id_


def _moves_on(context: Context, key: str, column: Column, after: Value, value: str, *, exact: bool) -> bool:
    """Whether the value that a matching column will be written with is another one."""
    refused = context.not_kept.get(key, {}).get(column.path)
    if column.on_create or is_null(after) or (refused is not None and refused["wanted"] == digest(after)):
        return False
    return normal(after, exact) != value


def left_out(context: Context, side: Theirs) -> dict[int, str]:
    """Account → key of those for whom nothing flows: pinned, else bound, else everything that they match."""
    found: dict[int, str] = {}
    if not context.desired.left_out:
        return found
    index: list[dict[str, list[int]]] = [{} for _ in side.exact]
    for at in range(len(side.ids)):
        for column, exact in enumerate(side.exact):
            if not is_null(value := side.value(at, column)):
                index[column].setdefault(normal(value, exact), []).append(at)
    for user in context.desired.left_out:
        key = user_key(user)
        binding = context.state.bindings.get(key)
        pin = context.desired.directory.users[user].accounts.get(context.app.name)
        known = pin or (binding["id"] if binding is not None else None)
        own = context.snapshot.numbers.get(RemoteId(known)) if known else None
        hits = [own] if own is not None else []
        for column, value in enumerate(context.desired.left_out_match.get(user, ()) if own is None else ()):
            hits += index[column].get(normal(value, side.exact[column]), ()) if not is_null(value) else ()
        found |= {at: key for at in hits if at not in context.users.owner}
    return found


def _doubt(context: Context) -> Callable[[Claimant, int], str | None]:
    """Why an account that fits is still not plainly this person's."""
    given, family = context.column("name.givenName"), context.column("name.familyName")

    def doubt(claimant: Claimant, at: int) -> str | None:
        account = context.snapshot.accounts[at]
        person = context.desired.people[claimant.number]
        if claimant.wanted and not account.active:
            return "it is inactive and was never ours: a re-hire, or a reused address?"
        names = person.user.attributes
        if differs(names.get("givenName"), account.values[given]) and differs(
            names.get("surname"), account.values[family]
        ):
            return "given name and surname are somebody else's"
        return None

    return doubt


def _is_plain(context: Context) -> Callable[[Claimant, int], bool]:
    """Whether given name and surname are there, and the person's."""
    columns = [(n, context.column(p)) for n, p in (("givenName", "name.givenName"), ("surname", "name.familyName"))]

    def is_plain(claimant: Claimant, at: int) -> bool:
        names, account = context.desired.people[claimant.number].user.attributes, context.snapshot.accounts[at]
        return all(
            not is_null(names.get(name)) and bare(names.get(name)) == bare(account.values[column] or "")
            for name, column in columns
        )

    return is_plain


def match_groups(context: Context, side: Theirs) -> Identity:
    """Which of the application's groups is which of ours."""
    desired = context.desired
    resolver = Resolver(
        side,
        {k: b for k, b in context.state.bindings.items() if k.startswith("group:")},
        present=lambda key: key[6:] in desired.directory.groups,
        releases=context.releases,
        drop_lost="emptyApp" in context.releases,
    )
    by_key = {f"group:{g.group.id}": (n, g) for n, g in enumerate(desired.groups)}
    columns = sorted((c for c in desired.group_columns if c.matching), key=lambda c: c.matching)
    for number, group in enumerate(desired.groups):
        key = f"group:{group.group.id}"
        resolver.settle(
            number,
            key,
            group.group.accounts.get(context.app.name),
            [f"group:{f['id']}" for f in group.group.formerly if "id" in f],
            lambda number=number, key=key, group=group: Claimant(  # type: ignore[misc]
                number, key, group.match, group.former, wanted=True
            ),
        )

    def leaves_name(key: str, column: int, value: str) -> bool:
        number, group = by_key.get(key, (-1, None))
        at = resolver.identity.found.get(number)
        if group is None or at is None or number in resolver.identity.questions:
            return False
        if not _is_bound(context.state, key, side.ids[at]):
            return False
        if at in context.ignored_groups or context.group_guarded(key, at) or "renameGroup" in context.profile.cannot:
            return False
        return _moves_on(context, key, columns[column], group.match[column], value, exact=side.exact[column])

    identity = resolver.resolve(leaves_name, lambda _claimant, _at: None)
    _keep_bound(identity, side, lambda number: context.state.bindings.get(group_key(desired.groups[number].group.id)))
    return identity

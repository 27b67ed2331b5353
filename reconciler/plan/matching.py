"""Whose account is whose, and which group is which: `identity` applied to people and to groups."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.model.desired import Person
from reconciler.model.values import user_key
from reconciler.plan.context import Context
from reconciler.plan.identity import Claimant, Identity, Resolver, Theirs, normal
from reconciler.plan.resemblance import differs


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
    return resolver.resolve(_leaves_name(context, side), _doubt(context))


def _claimant(number: int, person: Person) -> Claimant:
    return Claimant(number, user_key(person.user.id), person.match, person.former, person.wanted)


def _leaves_name(context: Context, side: Theirs) -> Callable[[str, int, str], bool]:
    """Whether this plan renames a bound person away from a matching value."""
    numbers = context.desired.numbers

    def leaves(key: str, column: int, value: str) -> bool:
        number = numbers.get(key[5:])  # type: ignore[call-overload]
        if number is None:
            return False
        person = context.desired.people[number]
        return person.wanted and normal(person.match[column], side.exact[column]) != value

    return leaves


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
    by_key = {f"group:{g.group.id}": g for g in desired.groups}
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
        group = by_key.get(key)
        return group is not None and normal(group.match[column], side.exact[column]) != value

    return resolver.resolve(leaves_name, lambda _claimant, _at: None)

"""`reconciler explain`: import, scope, match and action for one person. Writes nothing, anywhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.errors import DesiredStateError
    from reconciler.model.directory import Directory, User
    from reconciler.model.explanation import Explanation
    from reconciler.model.state import State
    from reconciler.session import Opened, Settings


@click.command()
@click.argument("key", metavar="user:ID")
@options.directory
@options.apps
@options.state
@options.releases
@options.as_of
@options.outgoing
@options.output
@options.snapshot
@options.cache
@options.settings
def explain(settings: Settings, key: str, form: str) -> None:
    """Show why one person has, or does not have, what they have: import, scope, match, action.

    Reads the application, or with --snapshot what was read of it, and plans; writes nothing. Each scope clause is shown
    with its outcome, the match that was tried, and each mapping with inputs, steps and result. While the files have
    errors, the errors follow what can be shown without the application.
    """
    from reconciler.errors import DesiredStateError
    from reconciler.session import open_apps

    identity = _identity(key)
    try:
        opened = open_apps(settings)
    except DesiredStateError as error:
        _print(_of_files_alone(settings, identity, error), form)
        raise
    _print(asyncio.run(_planned(opened, identity)), form)


def _identity(key: str) -> str:
    from reconciler.errors import UsageError

    kind, colon, identity = key.partition(":")
    if kind == "user" and identity:
        return identity
    if not colon:
        raise UsageError(f"{key}: not a key", hint=f"write user:{key}")
    raise UsageError(f"{key}: only people are explained", hint="such as reconciler explain user:ada.lovelace")


def _person(identity: str, directory: Directory, state: State | None = None) -> User:
    from difflib import get_close_matches

    from reconciler.errors import UsageError
    from reconciler.model.values import UserId, user_key

    found = directory.users.get(UserId(identity))
    if found is None:
        near = get_close_matches(identity, directory.users, 1)
        hint = f"did you mean user:{near[0]}?" if near else ""
        if state is not None and (binding := state.bindings.get(user_key(identity))):
            hint = f"the file is gone, and the account {binding['id']} is still bound: the plan says what becomes of it"
        raise UsageError(f"there is nobody with the id {identity}", hint=hint)
    return found


async def _planned(opened: list[Opened], identity: str) -> list[Explanation]:
    from reconciler.cli.progress import Progress
    from reconciler.plan.explain import explain_action, explain_match
    from reconciler.project.explain import Explained
    from reconciler.session.reading import proposed

    explanations = []
    for each in opened:
        directory = each.desired.directory
        user = _person(identity, directory, each.state)
        files = Explained(
            directory,
            each.app,
            each.profile,
            user,
            places=each.places,
            as_of=each.as_of,
            revoked=each.desired.revoked,
        )
        with Progress(each.app.name) as progress:
            proposal = await proposed(each, progress)
        match = explain_match(proposal.context, user, files.matching)
        action = explain_action(proposal.context, proposal.plan, user, match, files.mappings)
        explanations.append(files.explanation(match, action))
    return explanations


def _of_files_alone(settings: Settings, identity: str, error: DesiredStateError) -> list[Explanation]:
    """Of files that can be read and not planned. Raises `error` where they can't be read."""
    from reconciler.desired import moment_of
    from reconciler.errors import DesiredStateError
    from reconciler.model.explanation import Action, Matched
    from reconciler.project.explain import Explained
    from reconciler.session import load, profile_of

    try:
        loaded = load(settings)
    except DesiredStateError:
        raise error from None
    user = _person(identity, loaded.directory)
    as_of = moment_of(settings.as_of, loaded.directory.zone)
    match = Matched(by="notTried", text="the files have errors, so the application was not read")
    explanations = []
    for name, app in loaded.apps.items():
        places = loaded.places[name]
        files = Explained(loaded.directory, app, profile_of(app), user, places=places, as_of=as_of)
        explanations.append(files.explanation(match, Action(planned=False, mappings=files.mappings)))
    return explanations


def _print(explanations: list[Explanation], form: str) -> None:
    """One document for one app, a list for several."""
    import orjson

    from reconciler.cli.plans import style
    from reconciler.render.person import person

    if form == "text":
        click.echo("\n".join(person(each, style()) for each in explanations), nl=False)
        return
    documents = [each.model_dump(mode="json", by_alias=True) for each in explanations]
    document = documents[0] if len(documents) == 1 else documents
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE), nl=False)

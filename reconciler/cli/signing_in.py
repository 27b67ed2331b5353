"""What `reconciler check` says of `sso`: the identity provider, and who can't sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.http import Client
    from reconciler.session import Opened

Found: TypeAlias = Callable[[bool | None, str, str], None]
"""Called with whether it is well (None: not known, or to be known), what, and a hint."""
_PEOPLE = ("ssoNameId", "ssoCase", "ssoNoAccount", "ssoFirstSignIn", "ssoNobody")


async def identity_provider(opened: Opened, found: Found) -> None:
    """Metadata and certificates, or what the issuer says of itself today. Its failure hides nothing else."""
    from reconciler.session.sign_on import asked

    if opened.sign_on is None:
        return
    try:
        findings = [*opened.sign_on.findings, *await asked(opened.app, opened.settings)]
    except ReconcilerError as error:
        found(False, f"the identity provider: {error.message}", error.hint)
        return
    for each in findings:
        found(each.ok, each.what, each.hint)


async def people(opened: Opened, client: Client, found: Found) -> None:
    """Everybody in scope beside the accounts, as a plan compares them."""
    if opened.sign_on is None:
        return
    from reconciler.model.plan import CreateUser

    proposal = await opened.propose(client, lambda *_: None)
    notes = [note for note in proposal.plan.notes if note.code in _PEOPLE]
    for note in notes:
        found(False if note.code == "ssoNameId" else None, note.text, "")
    new = sum(isinstance(change, CreateUser) for change in proposal.plan.pending)
    if new:
        found(None, f"accounts that the next apply makes: {new:,}", "apply before people sign in for the first time")
    elif {note.code for note in notes} <= {"ssoNobody"}:
        found(True, "everybody in scope has an account and can sign in to it", "")

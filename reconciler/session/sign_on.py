"""What an app's `sso` says of the identity provider: by its files, and, for `check`, asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from reconciler.desired import Attached
from reconciler.errors import DesiredStateError, Place, Problem
from reconciler.model.app import App
from reconciler.model.sso import SUB, Finding, SignOn
from reconciler.session.settings import Settings

if TYPE_CHECKING:
    from reconciler.model.sso import Certificate

_NEEDED: Final = ("cryptography", "defusedxml", "signxml")
LACKING: Final = Finding(
    None,
    "the SAML metadata and its certificates were not checked: the extra `sso` is not installed",
    "pip install 'reconciler[sso]'",
)
UNREAD: Final = Finding(None, "the SAML metadata was not read: these are the files of an earlier commit")


def sign_on_of(app: App, files: Attached | None, places: Mapping[str, Place], as_of: datetime) -> SignOn | None:
    """None: the app has no `sso`. Raises DesiredStateError, at the line that names what can't be used."""
    sso = app.sso
    if sso is None:
        return None
    if files is None:  # OpenID Connect: only `check` asks
        return SignOn() if sso.metadata is None else SignOn((UNREAD,))
    if any(find_spec(name) is None for name in _NEEDED):
        return SignOn((LACKING,))
    from reconciler.sso.judge import findings, sends_email
    from reconciler.sso.metadata import BadMetadata, provider_of

    whole = Place(f"apps/{app.name}/app.yaml")
    pinned = None if files.certificate is None else _pinned(files.certificate, places.get("sso.certificate", whole))
    try:
        provider = provider_of(files.metadata, pinned)
    except BadMetadata as bad:
        problem = Problem(places.get("sso.metadata", whole), f"the SAML metadata {bad}", bad.hint)
        raise DesiredStateError([problem]) from bad
    found = findings(provider, as_of, pinned=pinned is not None)
    return SignOn(tuple(found), sends_email(provider))


def _pinned(data: bytes, place: Place) -> Certificate:
    from reconciler.sso.certificates import BadCertificate, from_pem

    try:
        return from_pem(data)
    except BadCertificate as bad:
        problem = Problem(place, f"the file of sso.certificate {bad}", "it is a text file in PEM form")
        raise DesiredStateError([problem]) from bad


async def asked(app: App, settings: Settings) -> list[Finding]:
    """What the issuer of an app says of itself today; nothing for SAML. Raises ReconcilerError."""
    sso = app.sso
    if sso is None or sso.issuer is None:
        return []
    from reconciler.sso.discovery import asked as ask

    return await ask(sso.issuer, sso.claim or SUB, settings.outgoing(), settings.transport)

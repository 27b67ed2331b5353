"""Who we are to an application, as its `auth` says: secrets are read here, after everything that may refuse to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.model.app import App, Auth
from reconciler.model.secret import SecretReference

if TYPE_CHECKING:
    import ssl

    from reconciler.http import ClientCredentials, Outgoing

_LARGEST_BUNDLE = 1024 * 1024  # bytes of a file with certificates


@dataclass(frozen=True, slots=True)
class Identity:
    """What a Client needs to be somebody."""

    bearer: Callable[[], str] | None = None
    oauth: ClientCredentials | None = None
    tls: ssl.SSLContext | None = None


def identity_of(app: App, *, root: Path, environ: Mapping[str, str], outgoing: Outgoing) -> Identity:
    """Raises SecretError: first for every host that may not be reached, then for what can't be read."""
    from reconciler.http import read_file, resolve_secret

    auth = app.auth or Auth.model_construct()
    outgoing.check_host(app.tenant_url)
    if auth.client_credentials is not None:
        outgoing.check_host(auth.client_credentials.token_url)

    def secret(of: SecretReference, *, pem: bool = False) -> str:
        return resolve_secret(
            of.env, of.file, of.command, of.keyring, root=root, environ=environ, outgoing=outgoing, pem=pem
        )

    def certificates(file: str) -> str:
        return read_file(file, root=root, outgoing=outgoing, longest=_LARGEST_BUNDLE)

    tls = _tls(app.ca_file, auth, certificates, secret)
    if auth.bearer is not None:
        token = secret(auth.bearer)
        return Identity(bearer=lambda: token, tls=tls)
    return Identity(oauth=_oauth(auth, secret), tls=tls)


def _oauth(auth: Auth, secret: Callable[..., str]) -> ClientCredentials | None:
    from reconciler.http import ClientCredentials

    who = auth.client_credentials
    if who is None:
        return None
    return ClientCredentials(
        token_url=who.token_url,
        client_id=who.client_id,
        secret=None if who.client_secret is None else secret(who.client_secret),
        private_key=None if who.private_key is None else secret(who.private_key, pem=True),
        key_id=who.key_id,
        scope=who.scope,
        audience=who.audience,
        assertion_audience=who.assertion_audience,
        secret_in=who.secret_in,
    )


def _tls(
    ca_file: str | None, auth: Auth, certificates: Callable[[str], str], secret: Callable[..., str]
) -> ssl.SSLContext | None:
    from reconciler.http import tls_context

    shown = auth.mutual_tls
    if ca_file is None and shown is None:
        return None
    return tls_context(
        None if ca_file is None else certificates(ca_file),
        None if shown is None else certificates(shown.certificate),
        None if shown is None else secret(shown.key, pem=True),
    )

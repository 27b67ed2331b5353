"""Whom to trust, and how to show who we are: TLS 1.2 or later, certificates always checked."""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from reconciler.errors import SecretError

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
"""Bundles have names in any language between them."""


def tls_context(
    authorities: str | None = None, certificate: str | None = None, key: str | None = None
) -> ssl.SSLContext:
    """The usual authorities (those of SSL_CERT_FILE, where it is set), and `authorities` beside them.

    `certificate` is what is shown to servers that ask for one, with those that lead to its authority; `key` is its
    private key. All three are PEM. Raises SecretError.
    """
    context = httpx.create_ssl_context()
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    if authorities is not None:
        try:
            context.load_verify_locations(cadata="\n".join(_CERTIFICATE.findall(authorities)))
        except (ssl.SSLError, ValueError) as error:
            raise SecretError("caFile holds no certificates", hint="it is a text file in PEM form") from error
    if certificate is not None and key is not None:
        _show(context, certificate, key)
    return context


def _show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    def passphrase() -> str:
        raise SecretError("the key of mutualTls has a passphrase", hint="nobody is there to type it: store it without")

    try:
        with _file(f"{certificate}\n{key}\n") as path:
            context.load_cert_chain(path, password=passphrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SecretError("the key of mutualTls is not the certificate's", hint="they are made together") from error
        raise SecretError(
            "the certificate of mutualTls or its key can't be read", hint="both are text in PEM form"
        ) from error
    except OSError as error:
        raise SecretError(f"the certificate of mutualTls can't be loaded: {error.strerror}") from error


@contextmanager
def _file(content: str) -> Iterator[Path]:
    """A file for what takes nothing else: in memory where the system can, else for the user alone and gone at once."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("certificate"), "w") as stream:
            stream.write(content)
            stream.flush()
            yield Path(f"/proc/self/fd/{stream.fileno()}")
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "certificate"
            path.touch(mode=0o600)
            path.write_text(content)
            yield path

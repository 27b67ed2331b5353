"""Secrets that somebody wrote into a file. They are found by the key they stand under, or by their looks.

No message repeats what was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from reconciler.desired.document import Document, Entries, Items, Mark
from reconciler.desired.findings import Findings
from reconciler.errors import Place

_HINT = (
    "take it out, revoke it (git remembers), and name where it is: {env: NAME}, {file: PATH}, {command: [PROGRAM]} "
    "or {keyring: SERVICE/NAME}"
)
_NAMES = re.compile(
    r"bearer|token|secret|password|passwd|passphrase|credentials?|authorization|"
    r".*(?:Token|Secret|Credentials|Password|Passphrase|ApiKey|PrivateKey|_token|_secret|_password|_key)|"
    r"apiKey|api_key|privateKey"
)
_BEGINNINGS = (
    "eyJ",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "PRIVATE KEY-----",
    "Bearer ",
)
_LOOKS = re.compile(
    r"(?<![\w-])eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"  # a JSON Web Token
    r"|\bgh[pos]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[bp]-[\w-]{10,}"
    r"|\bAKIA[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bBearer [A-Za-z0-9._~+/-]{20,}"
)
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_DENSE = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9_]{20,}\Z")
_PLACES = re.compile(r"(.*\.)?(auth|auth\.(mutualTls|mutualTls\.key)|notify\.(webhook\.url|email\.smtp\.user))")
"""Dotted keys under which a secret is meant, whose own name does not say so."""
_TOLD = 20
"""Of one file: finding a place takes time in proportion to the file."""


def looks_secret(text: str) -> bool:
    """Whether a value has a well-known form of a token or a private key, with which no file would be read."""
    return any(beginning in text for beginning in _BEGINNINGS) and _LOOKS.search(text) is not None


def report_tokens(document: Document, findings: Findings) -> None:
    """Well-known forms of tokens and private keys, anywhere in a file."""
    text = document.text
    if not any(beginning in text for beginning in _BEGINNINGS):
        return
    for found in islice(_LOOKS.finditer(text), _TOLD):
        before = text[: found.start()]
        place = Place(document.file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        findings.error(place, "this looks like a token or a private key; secrets are never written into a file", _HINT)


def report_literals(document: Document, findings: Findings) -> set[str]:
    """Values under keys that name a secret, and `env` entries that no variable can be called.

    Returns their dotted keys: nobody else looks at them, so that nothing repeats them.
    """
    literal = set()
    for dotted, key, value, mark in _scalars(document.value, ""):
        if value is None:
            continue
        if _NAMES.fullmatch(key) or _PLACES.fullmatch(dotted):
            findings.error(
                document.place(mark), f"a secret under `{dotted}`; secrets are never written into a file", _HINT
            )
            literal.add(dotted)
        elif key == "env" and not _is_variable(value):
            findings.error(
                document.place(mark),
                f"`{dotted}` is not the name of an environment variable",
                "write the variable's name, such as HOOTSUITE_SCIM_TOKEN, not its value",
            )
            literal.add(dotted)
    return literal


def _is_variable(value: object) -> bool:
    return isinstance(value, str) and bool(_ENVIRONMENT_NAME.match(value)) and not _DENSE.match(value)


def _scalars(node: object, above: str) -> Iterator[tuple[str, str, object, Mark]]:
    """(dotted key, last key, value, mark) of every scalar in mappings below `node`."""
    if isinstance(node, Entries):
        for key, value in node.items():
            dotted = f"{above}.{key}" if above else key
            if isinstance(value, Entries | Items):
                yield from _scalars(value, dotted)
            else:
                yield dotted, key, value, node.marks[key]
    elif isinstance(node, Items):
        for number, value in enumerate(node):
            yield from _scalars(value, f"{above}.{number}")

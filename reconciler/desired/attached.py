"""What `sso` of an app.yaml names: attributes of people, and files beside it, read with all the others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from reconciler.desired.files import Tree
from reconciler.desired.findings import Findings, shown
from reconciler.desired.sheet import Sheet
from reconciler.model.app import App
from reconciler.model.directory import GRAPH_ATTRIBUTES, MULTI_VALUED

MAX_BYTES: Final = 5_000_000
"""An identity provider's own metadata has some kilobytes; a federation's register of thousands is no file to review."""
MAX_CERTIFICATE: Final = 100_000


@dataclass(frozen=True, slots=True)
class Attached:
    metadata: bytes
    certificate: bytes | None = None


def attached(tree: Tree, app: App, sheet: Sheet) -> Attached | None:
    """The files of an app's `sso`; None without any, and after reporting what is wrong."""
    sso = app.sso
    if sso is None or sso.metadata is None:
        return None
    folder = f"apps/{app.name}"
    metadata = tree.attachment(f"{folder}/{sso.metadata}", sheet.place("sso.metadata"), MAX_BYTES)
    certificate = None
    if sso.certificate is not None:
        place = sheet.place("sso.certificate")
        certificate = tree.attachment(f"{folder}/{sso.certificate}", place, MAX_CERTIFICATE)
    return None if metadata is None else Attached(metadata, certificate)


def check_sign_on(app: App | None, sheet: Sheet, custom: Collection[str], findings: Findings) -> None:
    """What people are known by at the sign-in is one value of theirs."""
    sso = app.sso if app is not None else None
    if sso is None:
        return
    key = "nameId" if sso.name_id is not None else "subject"
    known = {*GRAPH_ATTRIBUTES, *custom, "id"} - MULTI_VALUED - {"accountEnabled", "manager"}
    if sso.attribute not in known:
        name = shown(sso.attribute)
        hint = findings.near(name, known) or "an attribute of people with one value, such as userPrincipalName"
        findings.error(sheet.place(f"sso.{key}"), f"nobody can be known by `{name}`", hint)

"""Applications: apps/NAME/, each with app.yaml, mappings.yaml and tests.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from reconciler.desired.cases import cases_of
from reconciler.desired.document import Document, Entries
from reconciler.desired.explain import report, validate
from reconciler.desired.files import Tree
from reconciler.desired.findings import Findings, kind_of, shown
from reconciler.desired.form import NOT_YET, NOT_YET_HINT
from reconciler.desired.secrets import report_literals
from reconciler.desired.sheet import Sheet, merge
from reconciler.desired.tenant import BadTenant, normal_url
from reconciler.errors import Place
from reconciler.model.app import App, Guardrails
from reconciler.model.cases import Case
from reconciler.model.mapping import Mappings
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile
from reconciler.model.settings import CustomAttribute, Settings

FILES = ("app.yaml", "mappings.yaml", "tests.yaml")
APP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_NOT_YET = frozenset({"sharedTenant"})
_INSTEAD = {"name": "the folder's name is the app's", "mappings": "mappings stand in mappings.yaml, beside this file"}
"""Fields of the model that are no keys of the file → where they come from."""
_STANDARD_REMOVE_MEMBERS = {"percent": 40, "ignoreBelow": 3}


@dataclass(slots=True)
class Described:
    """One app's folder as read."""

    app: App | None
    """None: it can't be used."""
    cases: tuple[Case, ...]
    sheet: Sheet
    """Of app.yaml with the defaults under it."""
    mappings: Sheet | None

    def places(self) -> dict[str, Place]:
        """Dotted key → place of the value; those of mappings.yaml begin with `mappings.`."""
        found = dict(self.sheet.values)
        if self.mappings:
            found["mappings"] = self.mappings.whole
            found.update((f"mappings.{dotted}", place) for dotted, place in self.mappings.values.items())
        return found


def read_settings(tree: Tree) -> tuple[Settings, Sheet | None]:
    """reconciler.yaml, and the defaults for all apps in it. Without the file: what holds without it."""
    document = tree.read("reconciler.yaml") if tree.exists("reconciler.yaml") else None
    if document is None or not _is_mapping(document, tree.findings, "reconciler.yaml"):
        return Settings(), None
    literal = report_literals(document, tree.findings)
    sheet = Sheet.of(document)
    sheet.withhold(literal)
    settings = validate(Settings, sheet, tree.findings) or Settings.model_construct(attributes=_attributes(sheet.tree))
    defaults = document.value.get("defaults")
    if not isinstance(defaults, Entries):
        return settings, None
    under = Sheet.of(document, defaults)
    under.withhold(dotted.removeprefix("defaults.") for dotted in literal)
    return settings, under


def _attributes(tree: dict[str, Any]) -> dict[str, CustomAttribute]:
    """Of a file that can't be used otherwise: so that nobody's custom attributes count as unknown."""
    given = tree.get("attributes")
    return {name: _attribute(one) for name, one in given.items()} if isinstance(given, dict) else {}


def _attribute(given: Any) -> CustomAttribute:
    try:
        return CustomAttribute.model_validate(given)
    except ValidationError:
        return CustomAttribute(type="string")


def read_app(tree: Tree, name: str, defaults: Sheet | None) -> Described | None:
    """The app in apps/NAME. None if it can't be used, after reporting why."""
    folder, findings = f"apps/{name}", tree.findings
    if not APP_NAME.match(name):
        findings.error(Place(shown(folder)), "an app's folder is named with letters, digits and . _ -")
        return None
    _report_strays(tree, folder)
    mappings, mapped = _read_mappings(tree, f"{folder}/mappings.yaml")
    tests = tree.read(f"{folder}/tests.yaml") if tree.exists(f"{folder}/tests.yaml") else None
    cases = cases_of(tests, findings) if tests else ()
    if not tree.exists(f"{folder}/app.yaml"):
        findings.error(Place(f"{folder}/app.yaml"), "there is no such file", "every folder in apps/ has an app.yaml")
        return None
    document = tree.read(f"{folder}/app.yaml")
    if document is None or not _is_mapping(document, findings, "app.yaml"):
        return None
    sheet = Sheet.of(document)
    sheet.withhold(report_literals(document, findings))
    if defaults:
        sheet = sheet.over(defaults)
    _set_aside(sheet, findings)
    sheet.tree = _with_standard_limits(sheet.tree)
    for key in ("name", "mappings"):
        if key in sheet.tree:
            findings.error(sheet.keys[key], f"unknown key `{key}`", _INSTEAD[key])
    _normalize_url(sheet, findings)
    _check_token_url(sheet, findings)
    _check_issuer(sheet, findings)
    _check_profile(sheet, findings)
    app = validate(App, sheet, findings, {"name": name, "mappings": {}})
    if app is not None:
        app = app.model_copy(update={"mappings": mappings}) if mappings is not None else None
    return Described(app, cases, sheet, mapped)


def tenant_of(document: Document) -> str | None:
    """The tenantUrl of an app.yaml that is not looked at otherwise; None if there is none to be had."""
    url = document.value.get("tenantUrl") if isinstance(document.value, Entries) else None
    try:
        return normal_url(url) if isinstance(url, str) else None
    except BadTenant:
        return None


def _read_mappings(tree: Tree, file: str) -> tuple[Mappings | None, Sheet | None]:
    """(mappings, their places); no file, no mappings of one's own. None: they can't be used."""
    if not tree.exists(file):
        return Mappings(), None
    document = tree.read(file)
    if document is None or not _is_mapping(document, tree.findings, "mappings.yaml"):
        return None, None
    sheet = Sheet.of(document)
    mappings = validate(Mappings, sheet, tree.findings)
    if mappings is not None:
        _report_twice_mapped(mappings, sheet, tree.findings)
    return mappings, sheet


def _report_twice_mapped(mappings: Mappings, sheet: Sheet, findings: Findings) -> None:
    for kind in ("users", "groups"):
        first: dict[str, Place] = {}
        for number, mapping in enumerate(getattr(mappings, kind)):
            place = sheet.place(f"{kind}.{number}.target")
            before = first.setdefault(parse_path(mapping.target).canonical, place)
            if before is not place:
                message = f"`{mapping.target}` is mapped twice, first in line {before.line}"
                findings.error(place, message, "one mapping a target: join them in an expression, or remove one")


def _is_mapping(document: Document, findings: Findings, file: str) -> bool:
    if isinstance(document.value, Entries):
        return True
    findings.error(document.start, f"{file} must be a mapping, this is {kind_of(document.value)}")
    return False


def _report_strays(tree: Tree, folder: str) -> None:
    for name in tree.names(folder):
        if name not in FILES and name.lower().endswith((".yaml", ".yml")):
            hint = tree.findings.did_you_mean(name, FILES)
            tree.findings.error(Place(f"{folder}/{shown(name)}"), "no file of this name is read", hint)


def _set_aside(sheet: Sheet, findings: Findings) -> None:
    """Takes out what is part of the format and not of this version: nothing is ignored in silence."""
    for dotted, place in sheet.keys.items():
        if dotted in _NOT_YET:
            findings.error(place, f"`{dotted}` {NOT_YET}", NOT_YET_HINT)
            sheet.withhold([dotted])
    _forget_halves(sheet)


def _forget_halves(sheet: Sheet) -> None:
    """Of an `auth` or `notify` out of which a secret was taken nothing is said beside that."""
    if any(dotted.startswith("notify.") for dotted in sheet.withheld):
        sheet.tree.pop("notify", None)
    auth = sheet.tree.get("auth")
    if not isinstance(auth, dict):
        return
    taken = [dotted.split(".") for dotted in sheet.withheld if dotted.startswith("auth.")]
    for _, method, *_rest in taken:
        auth.pop(method, None)
    if taken and not auth.keys() - {"expires"}:
        del sheet.tree["auth"]


def _with_standard_limits(tree: dict[str, Any]) -> dict[str, Any]:
    """Every part of a guardrail that is left out has its standard value, each on its own."""
    guardrails = tree.get("guardrails")
    if not isinstance(guardrails, dict):
        return tree
    standard = {**Guardrails().model_dump(by_alias=True, exclude_none=True), "removeMembers": _STANDARD_REMOVE_MEMBERS}
    under = {name: standard[name] for name, given in guardrails.items() if name in standard and isinstance(given, dict)}
    under.pop("protected", None)
    return {**tree, "guardrails": merge(under, guardrails)}


def _check_profile(sheet: Sheet, findings: Findings) -> None:
    """Corrections are checked as far as they can be without the gallery's profile under them."""
    corrections = sheet.tree.get("profile")
    if not isinstance(corrections, dict):
        return
    try:
        Profile(name="", title="").corrected(corrections)
    except ValidationError as error:
        report(error, Profile, sheet, findings, above="profile")


def _normalize_url(sheet: Sheet, findings: Findings) -> None:
    url = sheet.tree.get("tenantUrl")
    if isinstance(url, str):
        sheet.tree["tenantUrl"] = _address(url, "tenantUrl", sheet, findings)


def _check_token_url(sheet: Sheet, findings: Findings) -> None:
    """It stays as it is written: it is no tenant's name, and a slash at its end may matter."""
    auth = sheet.tree.get("auth")
    credentials = auth.get("clientCredentials") if isinstance(auth, dict) else None
    url = credentials.get("tokenUrl") if isinstance(credentials, dict) else None
    if isinstance(url, str):
        _address(url, "auth.clientCredentials.tokenUrl", sheet, findings)


def _check_issuer(sheet: Sheet, findings: Findings) -> None:
    """It stays as it is written: issuers are compared character by character."""
    sso = sheet.tree.get("sso")
    issuer = sso.get("issuer") if isinstance(sso, dict) else None
    if isinstance(issuer, str):
        _address(issuer, "sso.issuer", sheet, findings)


def _address(url: str, key: str, sheet: Sheet, findings: Findings) -> str:
    """In its one spelling; as it was after reporting what is wrong with it."""
    try:
        return normal_url(url)
    except BadTenant as bad:
        findings.error(sheet.place(key), f"`{key}` {bad}", bad.hint)
        return url

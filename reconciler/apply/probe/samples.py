"""Values for throw-away accounts: what a server may check, and that nothing real is behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.live.edits import assign, mark_primary
from reconciler.live.probe.ask import Row
from reconciler.model.path import AttributePath, parse_path
from reconciler.model.profile import Profile
from reconciler.model.schema import is_manager

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
_VALUES: Final[dict[str, tuple[str, str]]] = {
    "displayname": ("Reconciler Probe", "Probe of Reconciler"),
    "name.givenname": ("Reconciler", "Recon"),
    "name.familyname": ("Probe", "Prober"),
    "name.formatted": ("Reconciler Probe", "Probe of Reconciler"),
    "preferredlanguage": ("en", "de"),
    "locale": ("en", "de"),
    "timezone": ("Europe/Berlin", "America/Toronto"),
    "phonenumbers.value": ("+49 30 1234567", "+49 30 7654321"),
    "addresses.country": ("DE", "CA"),
    "profileurl": ("https://example.invalid/probe", "https://example.invalid/other"),
}
_NEVER: Final = frozenset({"roles", "entitlements", "password", "groups", "x509certificates", "photos", "usertype"})
"""What may cost a licence, give rights, or is never shown again."""
_PLAIN: Final[dict[str, tuple[str, ...]]] = {
    "preferredlanguage": ("en-US", "en_US"),
    "locale": ("en-US", "en_US"),
    "timezone": ("UTC", "America/Los_Angeles"),
    "phonenumbers.value": ("+15551234567", "tel:+1-555-123-4567"),
    "addresses.country": ("US", "United States"),
    "profileurl": ("https://example.com/probe",),
    "externalid": ("00000000-0000-4000-8000-00000000000d",),
}
"""Other spellings that some servers ask for."""


def alternatives(profile: Profile, target: str) -> tuple[Any, ...] | None:
    """Values that are plainly valid, beside the sample; None where nobody can know that without the application."""
    path = parse_path(target)
    if path.schema_name == "preferredlanguage" and profile.languages:
        return profile.languages[:2]
    if path.schema_name in _PLAIN:
        return _PLAIN[path.schema_name]
    standard = not path.urn or path.urn.lower() in {USER.lower(), ENTERPRISE.lower()}
    return ("Ada",) if standard and path.full_name not in profile.schema_of_users else None


def sample(profile: Profile, target: str, name: str, which: int = 0) -> Any:
    """A value for one target, or another one; None where none should be made up."""
    path = parse_path(target)
    if path.schema_name == "username":
        return name
    if path.schema_name == "active":
        return True
    known = profile.schema_of_users.get(path.full_name)
    if path.name.lower() in _NEVER or is_manager(path) or (known and (known.type != "string" or known.read_only)):
        return None
    if path.name.lower() == "emails":
        return (name if which == 0 else f"other.{name}") if path.sub.lower() == "value" else None
    if path.schema_name == "externalid":
        return name.partition("@")[0] + ("" if which == 0 else "-x")
    if path.schema_name == "preferredlanguage" and profile.languages:
        return profile.languages[which % len(profile.languages)]
    return _VALUES.get(path.schema_name, ("Probe", "Other"))[which]


def account(values: Mapping[str, Any], *, primary: bool) -> Row:
    """The body of a POST."""
    content: Row = {}
    for text, value in values.items():
        assign(content, parse_path(text), value)
    if primary:
        mark_primary(content)
    return {"schemas": [USER, *(key for key in content if key.lower().startswith("urn:"))], **content}


def single(targets: Iterable[str]) -> list[str]:
    """Targets of single values, that a person is not known by; inner ones behind one outer one."""
    paths = [parse_path(text) for text in targets]
    plain = [p for p in paths if not p.key and p.name.lower() not in {"username", "active", "emails", "externalid"}]
    outer = [p.text for p in plain if not p.sub and not p.urn]
    inner = [p.text for p in plain if p.sub]
    return [*_best(outer), *_best(inner)]


def _best(texts: list[str]) -> list[str]:
    for wish in ("displayname", "name.givenname"):
        for text in texts:
            if text.lower() == wish:
                return [text]
    return texts[:1]


def element(targets: Iterable[str]) -> AttributePath | None:
    """A target inside of a multi-valued attribute."""
    paths = (parse_path(text) for text in targets)
    return next((path for path in paths if path.key and path.sub), None)

"""What an answer means: one place where statuses and the shapes of error bodies become errors.

Known shapes: RFC 7644 section 3.12; {"errors": [{"code", "message", "id"}]}; OAuth's {"error", "error_description"}
(RFC 6749 section 5.2); problem details (RFC 9457 section 3); {"message"}; anything else is text, HTML mostly.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import urlsplit

from reconciler.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotScim,
    PreconditionFailed,
    ScimError,
    ServerFailed,
    Throttled,
    TooLarge,
    Unauthorized,
    Unsupported,
    WrongResource,
)
from reconciler.http import Answer
from reconciler.model.profile import Meaning

_ERROR_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:error"
_WRONG_PLACE: Final = "is tenantUrl the application's SCIM address? a login page or a proxy may have answered"
_SECRET = re.compile(r"(?i)\b(?:bearer|basic)\s+[^\s\"'<>,;]+|\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")
_TAGS = re.compile(r"(?is)<(script|style)\b.*?</\1\s*>|<[^>]*>")
_DETAIL: Final = 200
_GLIMPSE: Final = 60

_Kind: TypeAlias = tuple[type[ScimError], str, str]
_CORRECT: Final = "correct the value, its mapping, or the app's profile"
_REFUSED: Final[_Kind] = (ScimError, "the request was refused", _CORRECT)
_FAILED: Final[_Kind] = (ServerFailed, "the server failed", "nothing is wrong on this side; try again later")
_UNSUPPORTED: Final[_Kind] = (
    Unsupported,
    "the server does not do this",
    "say so in the app's profile; `reconciler check --write-probe` finds what the server does",
)
_STATUSES: Final[dict[int, _Kind]] = {
    400: (Invalid, "the request was refused", _CORRECT),
    401: (Unauthorized, "the token was refused", "the token is wrong or expired: look at what `auth` names"),
    403: (
        Forbidden,
        "permission was refused",
        "the account behind the token needs the permission to manage members (Hootsuite: Manage Member)",
    ),
    404: (NotFound, "there is no such resource", "it may have been deleted meanwhile; or tenantUrl is not quite right"),
    409: (Conflict, "a unique value is taken", "another resource has this name: plan again to see which"),
    405: _UNSUPPORTED,
    412: (PreconditionFailed, "it changed since it was read", "plan again: somebody else wrote to it meanwhile"),
    413: (TooLarge, "the request is too large", "lower groups.maxMembers or maxBytes in the app's profile"),
    422: (Invalid, "the request was refused", _CORRECT),
    429: (Throttled, "too many requests, on every try", "lower rate.perSecond in the app's profile, or try later"),
    501: _UNSUPPORTED,
}
_TYPES: Final = {"uniqueness": 409, "toomany": 413}
"""scimType (RFC 7644 section 3.12), lower-case → the status that means the same, where it came with 400."""
_MEANINGS: Final = {
    "conflict": 409, "notFound": 404, "forbidden": 403, "unauthorized": 401, "invalid": 400, "rateLimited": 429,
    "unavailable": 503,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error body says. `detail` is clean and short; `status` is 0 where the body names none."""

    detail: str = ""
    scim_type: str = ""
    status: int = 0


def accept(answer: Answer, meanings: Sequence[Meaning] = ()) -> Any:
    """The JSON of a success; None if there is no body, or none that is JSON.

    Raises the ScimError that fits a refusal, an error inside a 2xx included, and NotScim for a redirect. `meanings`
    are the application's own errors, of its profile.
    """
    body = _json(answer)
    own = _own_meaning(answer, meanings)
    if not 200 <= answer.status < 300:
        refuse(answer, _refusal(body, answer.body), status=own)
    if own is not None or _is_error(body):
        found = _refusal(body, answer.body)
        refuse(answer, found, status=own or found.status or 400)
    return body


def _own_meaning(answer: Answer, meanings: Sequence[Meaning]) -> int | None:
    """The status that the application's own error stands for."""
    if not meanings:
        return None
    text = _text(answer.body).casefold()
    for each in meanings:
        told = each.status is not None or answer.status >= 400
        if told and each.status in (None, answer.status) and each.says.casefold() in text:
            return _MEANINGS[each.means]
    return None


def resource(answer: Answer, key: str, meanings: Sequence[Meaning] = ()) -> dict[str, Any]:
    """The resource of a successful GET, its id as text. Raises NotScim if it is something else, and WrongResource
    if it is another one: a PUT would write it over the one that was meant.
    """
    body = accept(answer, meanings)
    shown = remote_id(body) if isinstance(body, dict) else None
    if shown is None:
        raise not_scim(answer, "is no SCIM resource with an id")
    if shown.lower() != key.lower():
        raise WrongResource(
            f"the answer is about the resource {clean(shown, _GLIMPSE)} instead",
            request=answer.request,
            status=answer.status,
            hint=_WRONG_PLACE,
        )
    found: dict[str, Any] = body
    found["id"] = shown
    return found


def remote_id(node: dict[str, Any]) -> str | None:
    """The `id` as text (some servers send numbers); None if there is none that can be used."""
    value = node.get("id")
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def not_scim(answer: Answer, what: str) -> NotScim:
    """The endpoint answered with something that is not SCIM; the message shows how it begins."""
    glimpse = clean(_text(answer.body), _GLIMPSE)
    came = f'"{glimpse}"' if glimpse else "nothing"
    return NotScim(f"{answer.request}: the answer {what}: {came}", hint=_WRONG_PLACE)


def refuse(answer: Answer, found: Refusal, *, status: int | None = None) -> NoReturn:
    """Raise the error for a refusal; `status` where the body knows better than HTTP did."""
    status = answer.status if status is None else status
    if status < 400:
        raise _redirected(answer)
    meant = _TYPES.get(found.scim_type.lower(), status) if status == 400 else status
    kind, said, hint = _STATUSES.get(meant, _FAILED if meant >= 500 else _REFUSED)
    kinds = f" {found.scim_type}" if found.scim_type else ""
    detail = f": {found.detail}" if found.detail else ""
    raise kind(
        f"{said} ({status}{kinds}){detail}",
        request=answer.request,
        status=status,
        detail=found.detail,
        scim_type=found.scim_type,
        hint=hint,
    )


def unsupported(answer: Answer) -> Unsupported:
    """The server does not have the method, whatever its status says."""
    _, said, hint = _UNSUPPORTED
    return Unsupported(f"{said} ({answer.status})", request=answer.request, status=405, hint=hint)


def refusal(answer: Answer) -> Refusal:
    """What the body of an error answer says."""
    return _refusal(_json(answer), answer.body)


def clean(text: str, most: int = _DETAIL) -> str:
    """Harmless and short: no control or direction characters, no credentials, one space between words."""
    plain = "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text[: 20 * most])
    plain = " ".join(_SECRET.sub("…", plain).split())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _redirected(answer: Answer) -> NotScim:
    if not 300 <= answer.status < 400:
        return not_scim(answer, f"has the status {answer.status}")
    target = urlsplit(answer.headers.get("location", ""))
    host = target.netloc.rpartition("@")[2]
    where = clean(f"{target.scheme}://{host}" if host else target.path) or "nowhere"
    return NotScim(
        f"{answer.request}: redirected to {where} ({answer.status}); redirects are not followed",
        hint="write the address that the application really has into tenantUrl",
    )


def _json(answer: Answer) -> Any:
    if not answer.body:
        return None
    try:
        return answer.json()
    except ValueError:
        return None


def _is_error(body: Any) -> bool:
    if not isinstance(body, dict):
        return False
    schemas = body.get("schemas")
    if isinstance(schemas, list) and any(str(urn).lower() == _ERROR_SCHEMA for urn in schemas):
        return True
    return "id" not in body and "schemas" not in body and bool(body.get("errors") or body.get("error"))


def _refusal(body: Any, raw: bytes) -> Refusal:
    if not isinstance(body, dict):
        return Refusal(clean(_text(raw)) if body is None else clean(str(body)))
    errors = body.get("errors", body.get("Errors"))
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return _enveloped(errors[0])
    if "error" in body and "detail" not in body:
        return _oauth(body)
    detail = body.get("detail") or body.get("message") or body.get("title") or body.get("description") or ""
    return Refusal(clean(str(detail)), clean(str(body.get("scimType") or ""), 40), _status(body.get("status")))


def _enveloped(error: dict[str, Any]) -> Refusal:
    said = error.get("message") or error.get("description") or error.get("detail") or ""
    marks = [f"{name} {error[name]}" for name in ("code", "id") if error.get(name) not in (None, "")]
    return Refusal(clean(f"{said} ({', '.join(marks)})" if marks else str(said)), "", _status(error.get("status")))


def _oauth(body: dict[str, Any]) -> Refusal:
    error = body["error"]
    if isinstance(error, dict):
        return _enveloped(error)
    said = body.get("error_description")
    return Refusal(clean(f"{error}: {said}" if said else str(error)))


def _status(value: Any) -> int:
    """RFC 7644 wants a string; numbers come too."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and 400 <= int(text[:4]) <= 599 else 0


def _text(raw: bytes) -> str:
    text = raw[:20_000].decode("utf-8", "replace")
    return _TAGS.sub(" ", text) if text.lstrip()[:1] == "<" else text

"""The address of an application: https, or http on this machine; one spelling for one tenant."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

_STANDARD_PORTS = {"https": 443, "http": 80}


class BadTenant(Exception):
    """Why an address can't be used. Repeats nothing of it: it may hold a password. Never leaves the package."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def normal_url(url: str) -> str:
    """The address without a trailing slash and standard port, scheme and host in lower case. Raises BadTenant."""
    if any(c.isspace() or not c.isprintable() for c in url):
        raise BadTenant("has a space or a control character in it")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        raise BadTenant("is not a URL", "such as https://platform.hootsuite.com/scim/v2") from error
    scheme = parts.scheme.lower()
    if scheme not in _STANDARD_PORTS or not host:
        raise BadTenant("must be an https URL", "such as https://platform.hootsuite.com/scim/v2")
    if parts.username is not None or parts.password is not None:
        raise BadTenant("has a user name or a password in it", "take it out; `auth` names where the secret is")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise BadTenant("has a query or a fragment", "end it with the path, such as /scim/v2")
    if scheme == "http" and not is_loopback(host):
        raise BadTenant("is plain http, which anybody on the way can read", "use https; http is for this machine only")
    name = f"[{host}]" if ":" in host else host
    where = name if port in (None, _STANDARD_PORTS[scheme]) else f"{name}:{port}"
    return f"{scheme}://{where}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """localhost, 127.0.0.0/8 or ::1. Other names are not looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

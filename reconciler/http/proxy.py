"""Which proxy the environment wants for an address: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

import httpx

from reconciler.errors import ReconcilerError
from reconciler.http.address import Address, is_loopback


def proxy_for(address: Address, environ: Mapping[str, str] = os.environ) -> httpx.Proxy | None:
    """The proxy for requests to `address`, or None. Lower-case names win over upper-case ones, as with curl.

    This machine is never reached through a proxy: the plain http that is allowed there would take the token along.
    Raises ReconcilerError for a proxy that can't be used; the message names the variable, not its value.
    """
    if is_loopback(address.host) or _exempt(address, _variable(environ, "NO_PROXY")[1]):
        return None
    name, value = _variable(environ, f"{address.scheme.upper()}_PROXY")
    if not value:
        name, value = _variable(environ, "ALL_PROXY")
    return _parse(name, value) if value else None


def _variable(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    return (
        (name.lower(), environ[name.lower()].strip())
        if name.lower() in environ
        else (name, environ.get(name, "").strip())
    )


def _parse(name: str, value: str) -> httpx.Proxy:
    hint = "it looks like http://proxy.example.com:3128"
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ReconcilerError(f"{name} can't be read as a URL", hint=hint) from error
    if parts.scheme not in {"http", "https"} or not host:
        raise ReconcilerError(f"{name} is not an http proxy", hint=hint)
    bracketed = f"[{host}]" if ":" in host else host
    headers = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {b64encode(pair).decode()}"
    port = port or (443 if parts.scheme == "https" else 80)
    return httpx.Proxy(f"{parts.scheme}://{bracketed}:{port}", headers=headers)


def _exempt(address: Address, listed: str) -> bool:
    """Whether NO_PROXY lists the address: `*`, a host with all below it, `host:port`, an IP address or network."""
    return any(_fits(address, entry.strip().lower()) for entry in listed.split(",") if entry.strip())


def _fits(address: Address, entry: str) -> bool:
    if entry == "*":
        return True
    try:
        return ip_address(address.host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    host, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and ":" not in host.strip("[]"):
        if int(port) != address.port:
            return False
        entry = host
    suffix = entry.strip("[]").removeprefix("*").lstrip(".")
    return bool(suffix) and (address.host == suffix or address.host.endswith(f".{suffix}"))

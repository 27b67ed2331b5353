from __future__ import annotations

import pytest

from reconciler.errors import ReconcilerError
from reconciler.http.address import parse_address
from reconciler.http.proxy import proxy_for

APP = parse_address("https://platform.hootsuite.com/scim/v2")
PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": ""}, None),
        ({"HTTP_PROXY": PROXY}, None),
        ({"HTTPS_PROXY": PROXY}, PROXY),
        ({"https_proxy": PROXY}, PROXY),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, PROXY),
        ({"https_proxy": "", "HTTPS_PROXY": PROXY}, None),
        ({"ALL_PROXY": PROXY}, PROXY),
        ({"HTTPS_PROXY": PROXY, "ALL_PROXY": "http://other:1"}, PROXY),
        ({"HTTPS_PROXY": "proxy.example.com:3128"}, PROXY),
        ({"HTTPS_PROXY": "https://proxy.example.com:8443/"}, "https://proxy.example.com:8443"),
        ({"HTTPS_PROXY": "http://[fd00::1]:3128"}, "http://[fd00::1]:3128"),
    ],
)
def test_the_environment_names_the_proxy(environ: dict[str, str], expected: str | None) -> None:
    proxy = proxy_for(APP, environ)
    assert (proxy and str(proxy.url)) == expected


@pytest.mark.parametrize(
    ("listed", "direct"),
    [
        ("*", True),
        ("hootsuite.com", True),
        (".hootsuite.com", True),
        ("*.hootsuite.com", True),
        ("example.com, Platform.Hootsuite.com", True),
        ("platform.hootsuite.com:443", True),
        ("platform.hootsuite.com:8443", False),
        ("suite.com", False),
        ("hootsuite.com.example", False),
        ("10.0.0.0/8", False),
        (",,", False),
    ],
)
def test_no_proxy_lists_names(listed: str, direct: bool) -> None:
    assert (proxy_for(APP, {"HTTPS_PROXY": PROXY, "NO_PROXY": listed}) is None) is direct


@pytest.mark.parametrize(
    ("url", "listed", "direct"),
    [
        ("https://10.1.2.3/scim", "10.0.0.0/8", True),
        ("https://10.1.2.3/scim", "10.1.2.3", True),
        ("https://11.1.2.3/scim", "10.0.0.0/8", False),
        ("https://[fd00::7]/scim", "fd00::/8", True),
        ("https://[fd00::7]/scim", "[fd00::7]", True),
    ],
)
def test_no_proxy_lists_addresses_and_networks(url: str, listed: str, direct: bool) -> None:
    assert (proxy_for(parse_address(url), {"HTTPS_PROXY": PROXY, "no_proxy": listed}) is None) is direct


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.1:8080", "https://[::1]:8443"])
def test_this_machine_is_never_reached_through_a_proxy(url: str) -> None:
    assert proxy_for(parse_address(url), {"HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}) is None


def test_credentials_go_into_a_header_not_into_the_url() -> None:
    proxy = proxy_for(APP, {"HTTPS_PROXY": "http://ada:p%40ss@proxy.example.com:3128"})
    assert proxy is not None
    assert str(proxy.url) == PROXY
    assert proxy.headers["Proxy-Authorization"] == "Basic YWRhOnBAc3M="


@pytest.mark.parametrize(
    "value", ["socks5://ada:s3cret@proxy:1080", "http://ada:s3cret@proxy:port", "http://", "http://[s3cret"]
)
def test_a_proxy_that_cant_be_used_names_the_variable_and_not_its_value(value: str) -> None:
    with pytest.raises(ReconcilerError, match="HTTPS_PROXY") as caught:
        proxy_for(APP, {"HTTPS_PROXY": value})
    assert "s3cret" not in str(caught.value)
    assert caught.value.hint

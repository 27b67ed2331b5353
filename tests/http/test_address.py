from __future__ import annotations

import pytest

from reconciler.errors import NotSent, ReconcilerError, SecretError
from reconciler.http.address import is_loopback, parse_address


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://a.example/scim/v2", "Users", "https://a.example/scim/v2/Users"),
        ("https://a.example/scim/v2/", "/Users", "https://a.example/scim/v2/Users"),
        ("https://a.example", "Users/a%2Fb", "https://a.example/Users/a%2Fb"),
        ("https://a.example/scim", "", "https://a.example/scim"),
        ("https://a.example/scim", "Users/..a", "https://a.example/scim/Users/..a"),
    ],
)
def test_paths_go_below_the_base(base: str, path: str, url: str) -> None:
    assert parse_address(base).url(path) == url


def test_parameters_are_encoded_and_not_told() -> None:
    address = parse_address("https://a.example/scim")
    params = {"filter": 'userName eq "a+b&c"', "startIndex": "101", "count": "100"}
    assert address.url("Users", params).endswith("?filter=userName%20eq%20%22a%2Bb%26c%22&startIndex=101&count=100")
    assert address.told("Users", params) == "https://a.example/scim/Users?filter=…&startIndex=101&count=100"


@pytest.mark.parametrize("path", ["Users/..", "Users/.", "../Users", "Users/%2e%2E", "Users/%2e/x"])
def test_an_id_can_not_climb_out_of_its_resource(path: str) -> None:
    with pytest.raises(NotSent, match="is not sent"):
        parse_address("https://a.example/scim").url(path)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "app.localhost", "127.0.0.1", "127.8.9.10", "::1", "localhost."]
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host)
    shown = f"[{host}]" if ":" in host else host
    assert parse_address(f"http://{shown}:8080/scim").port == 8080


@pytest.mark.parametrize(
    "host", ["example.com", "localhost.example.com", "128.0.0.1", "127.0.0.1.example.com", "10.0.0.1"]
)
def test_plain_http_to_anybody_else_is_refused(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(SecretError, match="clear text") as caught:
        parse_address(f"http://{host}/scim")
    assert "https" in caught.value.hint


@pytest.mark.parametrize("url", ["https://ada:s3cret@a.example/scim", "https://s3cret@a.example/scim"])
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SecretError) as caught:
        parse_address(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "a.example/scim", "ftp://a.example", "https://", "https://[::1", "https://a.example:port/"]
)
def test_what_is_no_url_is_said_so(url: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        parse_address(url)
    assert "https://host/scim/v2" in caught.value.hint


@pytest.mark.parametrize("url", ["https://a.example/scim?x=s3cret", "https://a.example/scim#s3cret"])
def test_a_query_or_fragment_is_refused(url: str) -> None:
    with pytest.raises(ReconcilerError, match="query or a fragment") as caught:
        parse_address(url)
    assert "s3cret" not in str(caught.value)


def test_a_query_that_the_server_gave_goes_back_to_the_letter_and_is_not_told() -> None:
    address = parse_address("https://a.example/v1.0")
    query = "$skiptoken=a+b/%2Bc=&count=5"
    assert address.url("users/delta", query=query) == f"https://a.example/v1.0/users/delta?{query}"
    assert address.told("users/delta", query=query) == "https://a.example/v1.0/users/delta?$skiptoken=…&count=5"

from __future__ import annotations

import pytest

from reconciler.errors import SecretError, UsageError
from reconciler.http import Outgoing


@pytest.mark.parametrize(
    ("ci", "pinned"),
    [
        ("true", True),
        ("1", True),
        ("yes", True),
        ("", False),
        ("0", False),
        ("false", False),
        ("False", False),
        (None, False),
    ],
)
def test_ci_pins(ci: str | None, pinned: bool) -> None:
    assert Outgoing.from_environment({} if ci is None else {"CI": ci}).pinned is pinned


def test_without_ci_everything_may_be_used() -> None:
    outgoing = Outgoing.from_environment({})
    outgoing.check_host("https://anything.example")
    outgoing.check_env("ANYTHING")
    outgoing.check_file("any/thing")
    outgoing.check_command(["any", "thing"])


def test_flags_and_variables_add_up() -> None:
    outgoing = Outgoing.from_environment(
        {
            "CI": "true",
            "RECONCILER_ALLOW_HOST": "a.example, B.example ,,",
            "RECONCILER_ALLOW_ENV": "A",
            "RECONCILER_ALLOW_FILE": "a/token",
            "RECONCILER_ALLOW_COMMAND": "vault read 'secret/one two'",
        },
        allow_host=["c.example"],
        allow_env=["B"],
        allow_file=["/run/secrets/b"],
        allow_command=["pass show app"],
    )
    assert outgoing.hosts == {"a.example", "b.example", "c.example"}
    assert outgoing.env == {"A", "B"}
    assert outgoing.files == {"a/token", "/run/secrets/b"}
    outgoing.check_command(["vault", "read", "secret/one two"])
    outgoing.check_command(["pass", "show", "app"])


@pytest.mark.parametrize(
    "url",
    [
        "https://platform.hootsuite.com/scim/v2",
        "https://PLATFORM.Hootsuite.com:8443/scim",
        "https://platform.hootsuite.com./scim",
        "https://ada:pw@platform.hootsuite.com/",
        "platform.hootsuite.com",
        "platform.hootsuite.com:587",
        "smtp://platform.hootsuite.com:587",
    ],
)
def test_a_listed_host_may_be_reached_at_any_port(url: str) -> None:
    Outgoing.from_environment({"CI": "1"}, allow_host=["Platform.hootsuite.com"]).check_host(url)


@pytest.mark.parametrize("listed", ["fd00::7", "[fd00::7]"])
def test_an_ipv6_address_with_or_without_brackets(listed: str) -> None:
    outgoing = Outgoing.from_environment({"CI": "1"}, allow_host=[listed])
    outgoing.check_host("https://[FD00::7]:8443/scim")
    with pytest.raises(SecretError, match="fd00::8"):
        outgoing.check_host("https://[fd00::8]/scim")


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.1:1/scim", "http://[::1]:1"])
def test_this_machine_needs_no_entry(url: str) -> None:
    Outgoing.from_environment({"CI": "1"}).check_host(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://platform.hootsuite.com.evil.example/",
        "https://platform.hootsuite.com@evil.example/",
        "https://evil.example/platform.hootsuite.com",
        "https://evil.example#platform.hootsuite.com",
        "https://sub.platform.hootsuite.com/",
        "https://localhost.evil.example/",
    ],
)
def test_any_other_host_is_refused_with_the_flag_to_pass(url: str) -> None:
    outgoing = Outgoing.from_environment({"CI": "1"}, allow_host=["platform.hootsuite.com"])
    with pytest.raises(SecretError, match="while CI is set") as caught:
        outgoing.check_host(url)
    assert caught.value.hint.startswith("pass --allow-host ")
    assert "evil" in caught.value.hint or "sub." in caught.value.hint
    assert "RECONCILER_ALLOW_HOST" in caught.value.hint


@pytest.mark.parametrize("url", ["", "https://", "https://[::1", "https:///path"])
def test_a_url_without_a_host_is_refused(url: str) -> None:
    with pytest.raises(SecretError, match="without a host"):
        Outgoing.from_environment({"CI": "1"}).check_host(url)


def test_the_hint_is_what_to_type() -> None:
    outgoing = Outgoing.from_environment({"CI": "1"})
    for check, value, hint in (
        (outgoing.check_env, "TOKEN", "pass --allow-env TOKEN or set RECONCILER_ALLOW_ENV"),
        (outgoing.check_file, "my token", "pass --allow-file 'my token' or set RECONCILER_ALLOW_FILE"),
    ):
        with pytest.raises(SecretError) as caught:
            check(value)
        assert caught.value.hint == hint
    with pytest.raises(SecretError) as caught:
        outgoing.check_command(["vault", "read", "a b"])
    assert caught.value.hint == """pass --allow-command 'vault read '"'"'a b'"'"'' or set RECONCILER_ALLOW_COMMAND"""


@pytest.mark.parametrize(
    "argv",
    [
        ["vault"],
        ["vault", "read"],
        ["vault", "read", "secret/app", "x"],
        ["vault", "read secret/app"],
        ["sh", "-c", "vault read secret/app"],
    ],
)
def test_a_command_is_listed_with_all_its_arguments(argv: list[str]) -> None:
    with pytest.raises(SecretError):
        Outgoing.from_environment({"CI": "1"}, allow_command=["vault read secret/app"]).check_command(argv)


@pytest.mark.parametrize("entry", ["https://a.example", "a.example:443", "a.example/scim", "ada@a.example"])
def test_a_host_is_listed_without_anything_around_it(entry: str) -> None:
    with pytest.raises(UsageError, match="not a host") as caught:
        Outgoing.from_environment({}, allow_host=[entry])
    assert "without scheme" in caught.value.hint


def test_a_listed_command_with_an_open_quote_is_an_error() -> None:
    with pytest.raises(UsageError, match="quote"):
        Outgoing.from_environment({"RECONCILER_ALLOW_COMMAND": "echo 'x"})

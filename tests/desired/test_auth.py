"""Who we are to an application: what `auth` and `caFile` may say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.desired import Loaded
from reconciler.errors import Problem

BEARER = "  bearer: {env: HOOTSUITE_SCIM_TOKEN}\n"
CREDENTIALS = """\
  clientCredentials:
    tokenUrl: https://login.example.com/oauth2/token/
    clientId: reconciler
    clientSecret: {env: CLIENT_SECRET}
"""
SIGNED = CREDENTIALS.replace("clientSecret: {env: CLIENT_SECRET}", "privateKey: {file: keys/client.pem}")
MUTUAL = "  mutualTls: {certificate: client.pem, key: {keyring: reconciler/hootsuite}}\n"


def test_client_credentials_with_a_secret(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    app = loaded({"apps/hootsuite/app.yaml": app_yaml.replace(BEARER, CREDENTIALS)}).apps["hootsuite"]
    assert app.auth is not None
    who = app.auth.client_credentials
    assert who is not None
    assert who.client_secret is not None
    assert (who.token_url, who.client_id) == ("https://login.example.com/oauth2/token/", "reconciler")
    assert (who.client_secret.env, who.secret_in) == ("CLIENT_SECRET", "header")


@pytest.mark.parametrize(
    ("reference", "key", "value"),
    [
        ("{env: TOKEN}", "env", "TOKEN"),
        ("{file: secrets/token}", "file", "secrets/token"),
        ("{command: [vault, read, token]}", "command", ("vault", "read", "token")),
        ("{keyring: team/reconciler/hootsuite}", "keyring", "team/reconciler/hootsuite"),
    ],
)
def test_every_kind_of_reference(
    loaded: Callable[..., Loaded], app_yaml: str, reference: str, key: str, value: object
) -> None:
    app = loaded({"apps/hootsuite/app.yaml": app_yaml.replace("{env: HOOTSUITE_SCIM_TOKEN}", reference)})
    auth = app.apps["hootsuite"].auth
    assert auth is not None
    assert auth.bearer is not None
    assert auth.bearer.model_dump(exclude_none=True) == {key: value}


def test_client_credentials_with_a_private_key(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    own = (
        "    keyId: k1\n    assertionAudience: https://login.example.com\n    scope: scim\n    audience: https://api\n"
    )
    app = loaded({"apps/hootsuite/app.yaml": app_yaml.replace(BEARER, SIGNED + own)}).apps["hootsuite"]
    assert app.auth is not None
    who = app.auth.client_credentials
    assert who is not None
    assert who.private_key is not None
    assert who.private_key.file == "keys/client.pem"
    assert (who.key_id, who.scope, who.audience) == ("k1", "scim", "https://api")
    assert who.assertion_audience == "https://login.example.com"


@pytest.mark.parametrize("token", ["", BEARER, CREDENTIALS])
def test_a_certificate_stands_alone_or_beside_a_token(loaded: Callable[..., Loaded], app_yaml: str, token: str) -> None:
    text = app_yaml.replace(BEARER, token + MUTUAL) + "caFile: authority.pem\n"
    app = loaded({"apps/hootsuite/app.yaml": text}).apps["hootsuite"]
    assert app.auth is not None
    assert app.auth.mutual_tls is not None
    assert app.auth.mutual_tls.key.keyring == "reconciler/hootsuite"
    assert app.ca_file == "authority.pem"


@pytest.mark.parametrize(
    ("auth", "place", "says"),
    [
        (BEARER + CREDENTIALS, "4:3", "`auth`: bearer or clientCredentials, not both"),
        ("  expires: 2027-06-30\n", "4:3", "`auth`: one of bearer, clientCredentials, mutualTls"),
        (CREDENTIALS + "    privateKey: {env: B}\n", "5:5", "exactly one of clientSecret and privateKey"),
        (CREDENTIALS.replace("    clientSecret: {env: CLIENT_SECRET}\n", ""), "5:5", "exactly one of clientSecret and"),
        (CREDENTIALS + "    keyId: a\n", "5:5", "keyId and assertionAudience are about a privateKey"),
        (SIGNED + "    secretIn: body\n", "5:5", "secretIn is about a clientSecret"),
        (CREDENTIALS + "    secretIn: query\n", "8:15", "`auth.clientCredentials.secretIn` can't be `query`"),
        (CREDENTIALS + "    tokenurl: x\n", "8:5", "unknown key `tokenurl` in `auth.clientCredentials`"),
        (CREDENTIALS.replace("reconciler", "''"), "6:15", "`auth.clientCredentials.clientId`"),
        (CREDENTIALS.replace("https:", "http:"), "5:15", "`auth.clientCredentials.tokenUrl` is plain http"),
        (CREDENTIALS.replace("token/", "token?a=b"), "5:15", "tokenUrl` has a query or a fragment"),
        (CREDENTIALS.replace("login.", "me:hunter2@login."), "5:15", "tokenUrl` has a user name or a password"),
        ("  mutualTls: {certificate: a.pem}\n", "4:14", "`auth.mutualTls.key` is missing"),
    ],
)
def test_what_does_not_go_together_is_told_at_its_place(
    problems: Callable[..., tuple[Problem, ...]], app_yaml: str, auth: str, place: str, says: str
) -> None:
    found = problems({"apps/hootsuite/app.yaml": app_yaml.replace(BEARER, auth)})
    problem = next(each for each in found if says in each.message)
    assert str(problem.place) == f"apps/hootsuite/app.yaml:{place}"
    assert "hunter2" not in "".join(map(str, found))


@pytest.mark.parametrize(
    ("auth", "place"),
    [
        (CREDENTIALS.replace("{env: CLIENT_SECRET}", "hunter2hunter2"), "7:19"),
        (SIGNED.replace("{file: keys/client.pem}", "hunter2hunter2"), "7:17"),
        ("  clientCredentials: hunter2hunter2\n", "4:22"),
        ("  mutualTls: hunter2hunter2\n", "4:14"),
        ("  mutualTls: {certificate: a.pem, key: hunter2hunter2}\n", "4:40"),
        (BEARER + "  mutualTls: {certificate: a.pem, key: hunter2hunter2}\n", "5:40"),
        ("  bearer: {keyring: hunter2hunter2}\n", "4:21"),
    ],
)
def test_a_secret_written_there_is_refused_once_and_not_repeated(
    only_problem: Callable[..., Problem], app_yaml: str, auth: str, place: str
) -> None:
    problem = only_problem({"apps/hootsuite/app.yaml": app_yaml.replace(BEARER, auth)})
    assert str(problem.place) == f"apps/hootsuite/app.yaml:{place}"
    assert "hunter2" not in str(problem)

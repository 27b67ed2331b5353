"""What `notify` of app.yaml may say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.desired import Loaded
from reconciler.errors import Problem

MAIL = "notify: {email: {from: r@contoso.com, to: [i@contoso.com], smtp: {host: smtp.contoso.com}}}\n"
HOOK = "notify: {webhook: {url: {env: ALERT_WEBHOOK}, secret: {env: ALERT_SECRET}}}\n"
CANARY = "hunter2hunter2"


def test_the_example_of_the_format(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    text = """\
notify:
  email:
    from: reconciler@contoso.com
    to: [identity@contoso.com]
    smtp: {host: smtp.contoso.com, port: 587, user: {env: SMTP_USER}, password: {env: SMTP_PASSWORD}}
  webhook: {url: {env: ALERT_WEBHOOK}, secret: {env: ALERT_SECRET}, form: json}
"""
    notify = loaded({"apps/hootsuite/app.yaml": app_yaml + text}).apps["hootsuite"].notify
    assert notify is not None
    assert notify.email is not None
    assert notify.email.smtp.password is not None
    assert (notify.email.from_, notify.email.smtp.password.env) == ("reconciler@contoso.com", "SMTP_PASSWORD")
    assert notify.webhook is not None
    assert (notify.webhook.url.env, notify.webhook.form) == ("ALERT_WEBHOOK", "json")


def test_what_is_left_out(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    assert loaded({"apps/hootsuite/app.yaml": app_yaml}).apps["hootsuite"].notify is None
    notify = loaded({"apps/hootsuite/app.yaml": app_yaml + MAIL}).apps["hootsuite"].notify
    assert notify is not None
    assert notify.email is not None
    assert notify.email.smtp.port == 587
    assert notify.webhook is None


def test_for_all_apps(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    files = {"apps/hootsuite/app.yaml": app_yaml, "reconciler.yaml": f"defaults:\n  {HOOK}"}
    notify = loaded(files).apps["hootsuite"].notify
    assert notify is not None
    assert notify.webhook is not None


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("to: [i@contoso.com]", "to: []", "`notify.email.to`"),
        ("to: [i@contoso.com]", "to: [Ada <i@contoso.com>]", "not an e-mail address"),
        ("to: [i@contoso.com]", 'to: ["i@contoso.com\\nBcc: all@contoso.com"]', "not an e-mail address"),
        ("to: [i@contoso.com]", "to: [idä@contoso.com]", "not an e-mail address"),
        ("from: r@contoso.com, ", "", "`notify.email.from` is missing"),
        ("host: smtp.contoso.com", "host: smtp.contoso.com:25", "not a host"),
        ("host: smtp.contoso.com", "host: 'https://smtp.contoso.com/'", "not a host"),
        ("host: smtp.contoso.com", "host: smtp.contoso.com, port: 0", "`notify.email.smtp.port`"),
        ("host: smtp.contoso.com", "host: smtp.contoso.com, user: {env: U}", "user and password, or neither"),
        ("host: smtp.contoso.com", "host: smtp.contoso.com, tls: false", "unknown key `tls` in `notify.email.smtp`"),
        ("url: {env: ALERT_WEBHOOK}, ", "", "`notify.webhook.url` is missing"),
        (", secret: {env: ALERT_SECRET}", "", "needs a `secret`"),
        (", secret: {env: ALERT_SECRET}", ", form: teams, secret: {env: A}", "`notify.webhook.form` can't be `teams`"),
    ],
)
def test_what_can_not_be(
    problems: Callable[..., tuple[Problem, ...]], app_yaml: str, before: str, after: str, says: str
) -> None:
    text = MAIL if before in MAIL else HOOK
    found = problems({"apps/hootsuite/app.yaml": app_yaml + text.replace(before, after)})
    assert any(says in str(each) for each in found), [str(each) for each in found]
    assert all(each.place.line > 1 for each in found)


def test_slack_looks_at_no_signature(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    text = HOOK.replace("secret: {env: ALERT_SECRET}", "form: slack")
    notify = loaded({"apps/hootsuite/app.yaml": app_yaml + text}).apps["hootsuite"].notify
    assert notify is not None
    assert notify.webhook is not None
    assert notify.webhook.secret is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{env: ALERT_WEBHOOK}", f"https://hooks.slack.com/services/T0/B0/{CANARY}"),
        ("{env: ALERT_SECRET}", CANARY),
        ("{env: ALERT_SECRET}", f"{{env: {CANARY}-}}"),
        ("host: smtp.contoso.com", f"host: smtp.contoso.com, user: {CANARY}, password: {{env: P}}"),
        ("host: smtp.contoso.com", f"host: smtp.contoso.com, user: {{env: U}}, password: {CANARY}"),
    ],
)
def test_a_secret_written_there_is_refused_once_and_not_repeated(
    only_problem: Callable[..., Problem], app_yaml: str, before: str, after: str
) -> None:
    text = MAIL if before in MAIL else HOOK
    problem = only_problem({"apps/hootsuite/app.yaml": app_yaml + text.replace(before, after)})
    assert CANARY not in str(problem)
    assert "secret" in str(problem) or "variable" in str(problem)

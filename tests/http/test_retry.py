from __future__ import annotations

import pytest

from reconciler.errors import AnswerLost, BodyTooLarge, NotSent, TransportError
from reconciler.http.allowance import retry_after
from reconciler.http.retry import Garbled, NotTrusted, wait_after_error, wait_after_status

NOW = 1_700_000_000.0  # 14 Nov 2023 22:13:20 GMT
READS, WRITES = ["GET", "HEAD"], ["POST", "PUT", "PATCH", "DELETE"]


def _wait(status: int, method: str, attempt: int = 1, chance: float = 0.0, **headers: str) -> float | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return wait_after_status(status, named, method, attempt, chance=chance, now=NOW)


@pytest.mark.parametrize("method", READS + WRITES)
def test_429_was_not_processed_and_is_tried_again_whatever_the_method(method: str) -> None:
    assert [_wait(429, method, attempt) for attempt in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert _wait(429, method, 1, chance=0.999) == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failed_server_is_asked_again_only_by_reads(status: int) -> None:
    for method in READS:
        assert _wait(status, method, 1) == 0.5
        assert _wait(status, method, 3) == 2.0
    for method in WRITES:
        assert _wait(status, method) is None
        assert _wait(status, method, retry_after="1") is None


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 409, 412, 501, 505])
def test_everything_else_is_final(status: int) -> None:
    for method in READS + WRITES:
        assert _wait(status, method, retry_after="1") is None


def test_retry_after_is_obeyed_within_a_minute() -> None:
    assert _wait(429, "POST", 5, retry_after="7") == 7.0
    assert _wait(429, "POST", 5, chance=0.99, retry_after="7") == pytest.approx(7.25, abs=0.01)
    assert _wait(429, "POST", retry_after="86400") == 60.0
    assert _wait(503, "GET", retry_after="2") == 2.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("3", 3.0),
        (" 1.5 ", 1.5),
        ("-4", 0.0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tuesday, 14-Nov-23 22:13:50 GMT", 30.0),
        ("Tue Nov 14 22:13:50 2023", 30.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("Tue, 99 Nov 2023 22:13:50 GMT", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


def test_a_date_is_compared_with_the_servers_clock() -> None:
    headers = {"retry-after": "Mon, 23 Nov 2020 17:00:09 GMT", "date": "Mon, 23 Nov 2020 17:00:00 GMT"}
    assert retry_after(headers, NOW) == 9.0


@pytest.mark.parametrize("method", READS + WRITES)
def test_what_was_not_sent_is_tried_a_few_times(method: str) -> None:
    error = NotSent("refused", request="X")
    waits = [wait_after_error(error, method, attempt, chance=0.0) for attempt in range(1, 6)]
    assert waits == [0.25, 0.5, 1.0, None, None]


def test_a_lost_answer_is_asked_for_again_only_by_reads() -> None:
    error = AnswerLost("gone", request="X")
    assert [wait_after_error(error, method, 2, chance=0.0) for method in READS] == [1.0, 1.0]
    assert [wait_after_error(error, method, 2, chance=0.0) for method in WRITES] == [None] * 4


@pytest.mark.parametrize("kind", [NotTrusted, Garbled, BodyTooLarge])
def test_what_will_not_change_is_not_tried_again(kind: type[TransportError]) -> None:
    assert wait_after_error(kind("no", request="X"), "GET", 1, chance=0.0) is None

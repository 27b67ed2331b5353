"""Plain scalars by the core schema of YAML 1.2.2, section 10.3.2."""

from __future__ import annotations

import math

import pytest

from reconciler.desired.core import MAY_RESOLVE, Scalar, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None),
        ("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False),
        ("0", 0), ("010", 10), ("007123", 7123), ("-19", -19), ("+49301234", 49301234), ("0o14", 12), ("0xFf", 255),
        ("0.5", 0.5), (".5", 0.5), ("1.", 1.0), ("-1e3", -1000.0), ("12e03", 12000.0), ("+.inf", math.inf),
        (".Inf", math.inf), ("-.INF", -math.inf),
    ],
)  # fmt: skip
def test_what_is_not_text(text: str, value: Scalar) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number() -> None:
    assert all(math.isnan(float(resolve(text) or 0)) for text in (".nan", ".NaN", ".NAN"))


@pytest.mark.parametrize(
    "text",
    [
        "no", "No", "NO", "yes", "on", "off", "y", "n", "tRUE", "nULL", "1_000", "0b11", "0o9", "0xG", "-0x1", "+0o7",
        "2026-12-01", "2001-12-14t21:59:43.10-05:00", "12:30", "190:20:30", "1.2.3", "-", "+", ".", "e5", "1e", "--1",
        ".inF", "+.nan", "٣", "=", "<<", "null ", "0o", "0x", "1,000",
    ],
)  # fmt: skip
def test_what_is_text(text: str) -> None:
    assert resolve(text) == text


def test_only_these_first_characters_can_mean_something_else() -> None:
    for code in range(0x20, 0x7F):
        for rest in ("", "rue", "alse", "ull", "inf", "1"):
            text = chr(code) + rest
            assert isinstance(resolve(text), str) or text[:1] in MAY_RESOLVE


def test_a_number_that_would_take_long_is_refused() -> None:
    with pytest.raises(OverflowError):
        resolve("9" * 5000)
    with pytest.raises(OverflowError):
        resolve("1." + "9" * 5000)

"""Accounts that no file describes: invented people, the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

DEFAULT_USERS: Final = 6

_GIVEN: Final = (
    "Amara", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kavya", "Leandro",
    "Mirjam", "Noor", "Oskar", "Paloma", "Quentin", "Rosalie", "Samir", "Tove", "Ulrike", "Viktor", "Wanda", "Yusuf",
    "Zofia",
)  # fmt: skip
_FAMILY: Final = (
    "Abello", "Brandt", "Castellan", "Dahlberg", "Eriksen", "Fontaine", "Grabowski", "Haddad", "Iversen", "Jankovic",
    "Kimura", "Lindqvist", "Marchetti", "Nakagawa", "Oyelaran", "Petrov", "Quispe", "Rahimi", "Sorensen", "Tanaka",
    "Urbina", "Vasquez", "Weidmann", "Yilmaz", "Zeller",
)  # fmt: skip
_TITLES: Final = ("Editor", "Analyst", "Community Manager", "Designer", "Producer")


def people(count: int) -> Iterator[dict[str, Any]]:
    """The attributes of `count` users; the first ones are the same whatever the count."""
    for number in range(count):
        round_, place = divmod(number, len(_GIVEN) * len(_FAMILY))
        given = _GIVEN[place % len(_GIVEN)]
        family = _FAMILY[(place // len(_GIVEN) + place) % len(_FAMILY)]
        suffix = str(round_ + 1) if round_ else ""
        address = f"{given}.{family}{suffix}@example.com".lower()
        yield {
            "userName": address,
            "displayName": f"{given} {family}",
            "name": {"givenName": given, "familyName": family},
            "emails": [{"value": address, "type": "work", "primary": True}],
            "title": _TITLES[number % len(_TITLES)],
            "timezone": "America/Vancouver",
            "preferredLanguage": "en",
            "active": True,
        }


def service_account(user_name: str) -> dict[str, Any]:
    """The account that the token belongs to."""
    return {
        "userName": user_name,
        "displayName": "Provisioning",
        "emails": [{"value": user_name, "type": "work", "primary": True}],
        "timezone": "America/Vancouver",
        "active": True,
    }

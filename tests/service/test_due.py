"""What is told, and that it is told once: as tables of what happened and what people got."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.model.history import Backoff, Held, Notice, Quarantine, Trouble
from reconciler.service.due import PATIENCE, Standing, due
from reconciler.service.notify import Event

T0 = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def standing(hours: float = 0, **given: Any) -> Standing:
    return Standing("hootsuite", T0 + HOUR * hours, **given)


def quarantine(reason: str = "credentials", *, began: float = 0, attempts: int = 0, off: bool = False) -> Quarantine:
    at = T0 + HOUR * began
    return Quarantine("hootsuite", at, reason, "401: token expired", attempts, None if off else at + 6 * HOUR, "d")


def removal(key: str, first: float = 0) -> Backoff:
    return Backoff("hootsuite", key, 2, T0 + HOUR * first, T0, removal=True, message="500: no")


class People:
    """Who reads one channel, and what stands in the history of it."""

    def __init__(self, *channels: str) -> None:
        self.notices: list[Notice] = []
        self.channels = channels or ("email",)
        self.down: set[str] = set()

    def hear(self, now: Standing) -> list[str]:
        """The kinds that were delivered now, `channel:kind` where there are several channels."""
        heard = []
        for channel in self.channels:
            others = [each for each in self.channels if each != channel]
            for event in due(now, self.notices, channel, others):
                error = "down" if channel in self.down else ""
                self.notices[:0] = [
                    Notice(event.app, now.at, event.kind, subject, channel, error) for subject in event.subjects
                ]
                if not error:
                    heard.append(event.kind if len(self.channels) == 1 else f"{channel}:{event.kind}")
        return heard


def test_a_quarantine_from_its_beginning_to_its_end() -> None:
    people = People()
    story = [
        (standing(0, quarantine=quarantine()), ["quarantined"]),
        (standing(6, quarantine=quarantine(attempts=1)), []),
        (standing(12, quarantine=quarantine("failures", attempts=2)), ["reasonChanged"]),
        (standing(24, quarantine=quarantine("failures", attempts=3)), []),
        (standing(48, quarantine=quarantine("credentials", attempts=4)), ["reasonChanged"]),
        (standing(28 * 24, quarantine=quarantine("credentials", attempts=30, off=True)), ["switchedOff"]),
        (standing(28 * 24 + 1, quarantine=quarantine("credentials", attempts=30, off=True)), []),
        (standing(29 * 24), ["recovered"]),
        (standing(29 * 24 + 1), []),
        (standing(30 * 24, quarantine=quarantine(began=30 * 24)), ["quarantined"]),
        (standing(31 * 24), ["recovered"]),
    ]
    assert [people.hear(now) for now, _ in story] == [expected for _, expected in story]


def test_mails_of_one_quarantine_are_one_thread_and_those_of_the_next_another() -> None:
    notices: list[Notice] = []
    threads = []
    for now in (
        standing(0, quarantine=quarantine()),
        standing(6, quarantine=quarantine("failures")),
        standing(12),
        standing(24, quarantine=quarantine(began=24)),
    ):
        (event,) = due(now, notices, "email")
        notices.insert(0, Notice(event.app, now.at, event.kind, event.subject, "email"))
        threads.append(event.thread)
    assert len(set(threads[:3])) == 1
    assert threads[3] not in threads[:3]


def test_a_merge_that_does_not_help_begins_another_quarantine_and_no_other_mail_that_day() -> None:
    people = People()
    heard = [people.hear(standing(h, quarantine=quarantine(began=h))) for h in (0, 1, 2, 23)]
    assert heard == [["quarantined"], [], [], []]
    assert people.hear(standing(25, quarantine=quarantine(began=25))) == ["quarantined"]
    assert people.hear(standing(26)) == ["recovered"]


def test_somebody_resumes_what_was_switched_off_and_it_fails_again() -> None:
    people = People()
    assert people.hear(standing(0, quarantine=quarantine(off=True))) == ["quarantined", "switchedOff"]
    assert people.hear(standing(1, quarantine=quarantine(began=1))) == ["quarantined"]
    assert people.hear(standing(2, quarantine=quarantine(began=1))) == []


def test_what_could_not_be_told_is_told_later() -> None:
    people = People()
    people.down = {"email"}
    assert people.hear(standing(0, quarantine=quarantine())) == []
    people.down = set()
    assert people.hear(standing(1, quarantine=quarantine())) == ["quarantined"]
    people.down = {"email"}
    assert people.hear(standing(2)) == []
    people.down = set()
    assert people.hear(standing(3)) == ["recovered"]
    assert people.hear(standing(4)) == []


def test_who_never_heard_of_a_quarantine_does_not_hear_of_its_end() -> None:
    people = People()
    people.down = {"email"}
    people.hear(standing(0, quarantine=quarantine()))
    people.down = set()
    assert people.hear(standing(1)) == []


def test_each_channel_is_told_by_itself_and_a_working_one_tells_of_one_that_is_not() -> None:
    people = People("email", "webhook")
    people.down = {"email"}
    assert people.hear(standing(0, quarantine=quarantine())) == ["webhook:quarantined"]
    assert people.hear(standing(1, quarantine=quarantine())) == ["webhook:notDelivered"]
    assert people.hear(standing(8, quarantine=quarantine())) == []
    people.down = set()
    assert people.hear(standing(15, quarantine=quarantine())) == ["email:quarantined"]


def test_a_channel_that_is_down_is_not_tried_in_every_cycle() -> None:
    people = People()
    people.down = {"email"}
    for cycle in range(100):
        people.hear(standing(cycle * 40 / 60, quarantine=quarantine()))
    hours = 100 * 40 / 60
    assert len(people.notices) <= 2 + hours / (PATIENCE / HOUR)


def held(digest: str, **given: Any) -> Held:
    return Held("hootsuite", digest, "{}", T0, **given)


def test_what_is_held_is_told_once_for_each_digest_and_not_once_it_is_approved() -> None:
    people = People()
    assert people.hear(standing(0, held=held("sha256:a"))) == ["held"]
    assert people.hear(standing(1, held=held("sha256:a"))) == []
    assert people.hear(standing(2, held=held("sha256:b"))) == ["held"]
    assert people.hear(standing(3)) == []
    assert people.hear(standing(4, held=held("sha256:c", approved_by="ada", approved_at=T0))) == []


def test_of_a_plan_that_can_not_be_read_the_digest_is_told() -> None:
    (event,) = due(standing(held=held("sha256:abc")), [], "email")
    assert any("approve" in action and "sha256:abc" in action for action in event.actions)


def test_failing_removals_are_told_once_each_whatever_others_do() -> None:
    people = People()
    ada, bob = removal("user:ada"), removal("user:bob", 1)
    assert people.hear(standing(1, removals=(ada,))) == ["removalFailed"]
    assert people.hear(standing(2, removals=(ada, bob))) == ["removalFailed"]
    assert people.hear(standing(3, removals=(ada, bob))) == []
    assert people.hear(standing(4, removals=(bob,))) == []
    again = replace(ada, first_failed=T0 + 5 * HOUR)
    assert people.hear(standing(6, removals=(again, bob))) == ["removalFailed"]


def test_only_those_removals_are_listed_that_were_not_told() -> None:
    told = Notice("hootsuite", T0, "removalFailed", f"user:ada@{T0.isoformat()}", "email")
    (event,) = due(standing(removals=(removal("user:ada"), removal("user:bob"))), [told], "email")
    assert len(event.covers) == 1
    assert not any("ada" in line for line in event.lines)


def test_refused_files_are_told_once_for_each_commit() -> None:
    people = People()
    bad = Trouble("filesRefused", "users/ada.yaml:3: unknown key", "take it out")
    assert people.hear(standing(0, refused=bad, refused_as="c1", used="c0")) == ["filesRefused"]
    assert people.hear(standing(1, refused=bad, refused_as="c1", used="c0")) == []
    assert people.hear(standing(2, refused=bad, refused_as="c2", used="c0")) == ["filesRefused"]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("2027-01-30", []),
        ("2026-12-11", []),
        ("2026-12-10", ["tokenExpires"]),
        ("2026-11-26", ["tokenExpires"]),
        ("2026-11-25", ["tokenExpires"]),
    ],
)
def test_a_token_is_told_of_two_weeks_before_its_end(last: str, expected: list[str]) -> None:
    people = People()
    assert people.hear(standing(0, expires=last)) == expected
    assert people.hear(standing(1, expires=last)) == []


def test_a_token_is_told_of_once_more_when_it_is_over() -> None:
    people = People()
    assert people.hear(standing(0, expires="2026-11-27")) == ["tokenExpires"]
    assert people.hear(standing(24, expires="2026-11-27")) == []
    assert people.hear(standing(48, expires="2026-11-27")) == ["tokenExpires"]


def test_hostile_words_stay_words() -> None:
    evil = 'x\r\nBcc: a@b <!channel> \x1b[31m "; rm -rf'
    everything = standing(
        quarantine=replace(quarantine(evil), message=evil),
        held=held(evil),
        removals=(replace(removal(evil), message=evil),),
        refused=Trouble("filesRefused", evil, evil),
        refused_as=evil,
        used=evil,
        expires="2026-11-27",
    )
    from reconciler.service.notify.event import actions_of, lines_of, title_of

    events: list[Event] = due(everything, [], "email")
    assert {event.kind for event in events} == {
        "quarantined",
        "held",
        "removalFailed",
        "filesRefused",
        "tokenExpires",
    }
    for each in events:
        for text in (title_of(each), *lines_of(each), *actions_of(each)):
            assert text.isprintable()

"""SIGKILL at random moments of applies, with real processes: the smaller sibling of `python -m benchmarks killing`."""

from __future__ import annotations

import signal

import pytest

from benchmarks import killing


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
def test_killed_five_times_and_the_application_is_as_git_wants_it() -> None:
    text, row = killing.run(160, 5)
    assert row["changes"] >= 200
    assert row["before a write"] + row["writing"] == 5
    assert [row[name] for name in ("left to do", "wrong", "twice", "unreadable journals")] == [0, 0, 0, 0], text


def test_the_two_days_are_thousands_of_changes_apart() -> None:
    """In size and in kind, or the kills would prove little."""
    first, second = killing.Day(1_600, second=False), killing.Day(1_600, second=True)
    (people, groups), (later, others) = first.wanted(), second.wanted()
    assert len(people.items() ^ later.items()) > 900
    moved = sum(len(groups.get(g, set()) ^ others.get(g, set())) for g in groups | others)
    assert moved > 800
    assert groups.keys() - others.keys()
    assert others.keys() - groups.keys()

"""Which events people have to be told of, given how things stand and what they were told already. Pure.

Nothing is compared with how things stood before: what counts is what was told. So a mail that could not be sent is due
until it was, and a cycle that was killed before it told anybody loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from pydantic import ValidationError

from reconciler.model.history import Backoff, Held, Notice, Quarantine, Trouble
from reconciler.model.plan import Plan
from reconciler.render.asked import held as questions
from reconciler.render.figures import plural
from reconciler.render.lines import Telling
from reconciler.render.marks import said, whom
from reconciler.service.notify.event import Event

QUARANTINED, REASON_CHANGED, SWITCHED_OFF, RECOVERED = "quarantined", "reasonChanged", "switchedOff", "recovered"
HELD, REMOVAL_FAILED, FILES_REFUSED = "held", "removalFailed", "filesRefused"
TOKEN_EXPIRES, NOT_DELIVERED = "tokenExpires", "notDelivered"

SOON: Final = timedelta(days=14)
"""Before the last day of a token people are told."""
AGAIN: Final = timedelta(hours=24)
"""An app that begins another quarantine while it is in one is told of once in that time."""
PATIENCE: Final = timedelta(hours=6)
"""What a channel did not take twice is tried again after that time."""
_LONGEST: Final = 300
_REASONS: Final = {
    "credentials": "the application refuses the credentials",
    "notScim": "what answers there is no SCIM service",
    "failures": "most changes fail",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand with one app at the end of a cycle."""

    app: str
    at: datetime
    quarantine: Quarantine | None = None
    held: Held | None = None
    removals: tuple[Backoff, ...] = ()
    """Removals that failed twice or more, and still do."""
    refused: Trouble | None = None
    """Why newer files are not used, of `refused_as` (a commit), while those of `used` are."""
    refused_as: str = ""
    used: str = ""
    expires: str | None = None
    """The last day of the token, YYYY-MM-DD."""


def due(standing: Standing, notices: Sequence[Notice], channel: str, others: Iterable[str] = ()) -> list[Event]:
    """What is to be told on a channel now. `notices` are the app's, newest first; `others`: its other channels."""
    mine = [each for each in notices if each.channel == channel]
    told = [each for each in mine if not each.error]
    known = {(each.event, each.subject) for each in told}
    events = [
        *_of_quarantine(standing, told),
        *_of_removals(standing, known),
        *_of_files(standing),
        *_of_held(standing),
        *_of_token(standing),
        *_of_channels(standing, notices, others),
    ]
    fresh = (each for each in events if each.kind in _JUDGED or (each.kind, each.subject) not in known)
    return [each for each in fresh if not _waits(each, mine, standing.at)]


_JUDGED: Final = frozenset({QUARANTINED, REASON_CHANGED, SWITCHED_OFF, RECOVERED, REMOVAL_FAILED})
"""Kinds that have looked for themselves at what was told."""


def _waits(event: Event, mine: Sequence[Notice], now: datetime) -> bool:
    """Whether the channel failed to take it twice, and not long ago."""
    failed = []
    for each in mine:  # newest first
        if each.event == event.kind and each.subject == event.subjects[0]:
            if not each.error:
                break
            failed.append(each.at)
    return len(failed) > 1 and timedelta(0) <= now - failed[0] < PATIENCE


def _of_quarantine(standing: Standing, told: Sequence[Notice]) -> Iterator[Event]:
    now, quarantine = standing, standing.quarantine
    episode = _episode(told)
    last = episode[0] if episode else None
    if quarantine is None:
        if last is not None:
            began, _, reason = episode[-1].subject.rpartition("/")
            yield Event(
                RECOVERED, now.app, now.at, f"{began}/over",
                f"{said(now.app)} works again",
                (f"It was left alone since {said(began[:16].replace('T', ' '))} UTC: {_reason(reason)}.",
                 "Cycles go on at their interval."),
                thread=began,
            )  # fmt: skip
        return
    began = episode[-1].subject.rpartition("/")[0] if episode else quarantine.began.isoformat()
    subject = f"{began}/{quarantine.reason}"
    off = quarantine.next_attempt is None
    if last is None or _anew(quarantine, last, now.at, off=off):
        title = f"{said(now.app)} is in quarantine: {_reason(quarantine.reason)}"
        yield _trouble(QUARANTINED, now, quarantine, subject, title, began)
    elif last.subject.rpartition("/")[2] != quarantine.reason:
        title = f"{said(now.app)} is still in quarantine, now because {_reason(quarantine.reason)}"
        yield _trouble(REASON_CHANGED, now, quarantine, subject, title, began)
    if off and (last is None or last.event != SWITCHED_OFF):
        title = f"{said(now.app)} is switched off: it has failed for 28 days"
        yield _trouble(SWITCHED_OFF, now, quarantine, subject, title, began)


def _episode(told: Sequence[Notice]) -> list[Notice]:
    """What was told of the quarantine that people know of, newest first."""
    episode = []
    for each in told:
        if each.event == RECOVERED:
            break
        if each.event in (QUARANTINED, REASON_CHANGED, SWITCHED_OFF):
            episode.append(each)
    return episode


def _anew(quarantine: Quarantine, last: Notice, now: datetime, *, off: bool) -> bool:
    """Somebody resumed it, or merged something, and it failed all the same."""
    if last.event == SWITCHED_OFF:
        return not off
    return quarantine.began > last.at and now - last.at >= AGAIN


def _trouble(kind: str, now: Standing, quarantine: Quarantine, subject: str, title: str, thread: str) -> Event:
    following = quarantine.next_attempt
    lines = [
        said(quarantine.message, _LONGEST),
        "Nothing is provisioned there meanwhile, and nobody's access is taken away either.",
        f"It is tried again at {following:%Y-%m-%d %H:%M} UTC, and as soon as git changes."
        if following is not None
        else "It is not tried again until somebody resumes it, or git changes.",
    ]
    actions = (f"reconciler check --app {said(now.app)}", f"reconciler resume {said(now.app)}")
    return Event(kind, now.app, now.at, subject, title, tuple(lines), actions, thread)


def _count(number: int, one: str) -> str:
    return f"{number:,} {plural(number, one, f'{one}s')}"


def _reason(reason: str) -> str:
    return _REASONS.get(reason) or said(reason)


def _of_held(standing: Standing) -> Iterator[Event]:
    held = standing.held
    if held is None or held.approved_by is not None:
        return
    try:
        plan = Plan.model_validate_json(held.plan)
    except ValidationError:  # of another version: its digest still says what is meant
        plan = None
    yield held_event(standing.app, standing.at, held.digest, plan)


def held_event(app: str, at: datetime, digest: str, plan: Plan | None, *, approvable: bool = True) -> Event:
    """Of questions that wait for an answer. `approvable`: `approve` knows them, since the history keeps them."""
    lines, actions = [], [f"reconciler approve {said(digest, 80)}"] if approvable else []
    for line in questions(plan, Telling(values=False)) if plan is not None else ():
        sentence = ": ".join(filter(None, (line.who, line.text)))
        lines.append(f"{sentence} ({line.listed(8)})" if line.names else sentence)
        if line.answer and not approvable:
            actions.append(f"--allow {said(line.answer, 160)}")
    changes = _count(len(plan.held), "change") if plan is not None else "something"
    waits = "The rest goes on; this waits for an answer."
    return Event(
        HELD, app, at, digest, f"{said(app)}: {changes} held, waiting for an answer", (waits, *lines), tuple(actions)
    )


def _of_removals(standing: Standing, known: set[tuple[str, str]]) -> Iterator[Event]:
    subjects = {f"{each.key}@{each.first_failed.isoformat()}": each for each in standing.removals}
    fresh = {subject: each for subject, each in subjects.items() if (REMOVAL_FAILED, subject) not in known}
    if not fresh:
        return
    people = _count(len(fresh), "removal")
    lines = [
        f"{whom(each.key)}: failed {each.failures} times since {each.first_failed:%Y-%m-%d %H:%M} UTC: "
        f"{said(each.message or 'no reason given', _LONGEST)}"
        for each in fresh.values()
    ]
    yield Event(
        REMOVAL_FAILED, standing.app, standing.at, next(iter(fresh)),
        f"{said(standing.app)}: {people} keep{'s' if len(fresh) == 1 else ''} failing",
        ("Access that git ended is still there. It is tried again in every cycle.", *lines),
        ("take the access away in the application by hand, if it can't wait",), covers=tuple(fresh),
    )  # fmt: skip


def _of_files(standing: Standing) -> Iterator[Event]:
    refused = standing.refused
    if refused is None:
        return
    goes_on = (
        f"Cycles go on with those of {said(standing.used[:12])}." if standing.used else "Cycles go on with older ones."
    )
    yield Event(
        FILES_REFUSED, standing.app, standing.at, standing.refused_as or refused.message[:200],
        f"The files of {said(standing.refused_as[:12] or 'the work tree')} are not used",
        (said(refused.message, _LONGEST), goes_on),
        ("reconciler validate", *((said(refused.recommended_action, _LONGEST),) if refused.recommended_action else ())),
    )  # fmt: skip


def _of_token(standing: Standing) -> Iterator[Event]:
    if standing.expires is None:
        return
    last = date.fromisoformat(standing.expires)
    days = (last - standing.at.date()).days
    if days > SOON.days:
        return
    over = days < 0
    when = (
        f"ended on {last}" if over else f"ends on {last}" + (" (today)" if days == 0 else f", in {_count(days, 'day')}")
    )
    yield Event(
        TOKEN_EXPIRES, standing.app, standing.at, f"{last}{'/over' if over else ''}",
        f"{said(standing.app)}: its token, secret or certificate {when}",
        ("Without valid credentials nothing is provisioned, and nobody's access can be taken away.",),
        ("make a new one, put it where `auth` says, and change `auth.expires`",),
    )  # fmt: skip


def _of_channels(standing: Standing, notices: Sequence[Notice], others: Iterable[str]) -> Iterator[Event]:
    """Another channel that does not work: nobody would learn of it there."""
    for other in others:
        failed = []
        for each in notices:
            if each.channel == other:
                if not each.error:
                    break
                failed.append(each)
        if len(failed) > 1:
            first = failed[-1]
            yield Event(
                NOT_DELIVERED, standing.app, standing.at, f"{other}/{first.at.isoformat()}",
                f"{said(standing.app)}: nothing is delivered by {other} any more",
                (said(failed[0].error, _LONGEST), f"So it is since {first.at:%Y-%m-%d %H:%M} UTC."),
            )  # fmt: skip

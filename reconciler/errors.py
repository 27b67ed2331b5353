"""Every error of the program, in one tree.

    ReconcilerError                 exit 1
    ├── UsageError                  exit 64   the command line is wrong
    ├── DesiredStateError                     the files: carries every Problem found, each with its place
    ├── ExpressionError                       one expression of a mapping, with its column
    ├── ClauseError                           one clause of a filter: its pattern, or what it compares with
    ├── SecretError                           a secret reference that can't be resolved, or may not be
    ├── TransportError                        a request that got no usable answer
    │   ├── NotSent                           nothing reached the server: safe to send again
    │   ├── AnswerLost                        the server may have acted: look before sending again
    │   └── BodyTooLarge                      an answer over the limit
    ├── ScimError                             the server answered, and the answer is a refusal
    │   ├── Unauthorized                      401: the token; or the token endpoint gives none
    │   ├── Forbidden                         403: the permission, or (some servers) an unknown id
    │   ├── NotFound                          404
    │   ├── Conflict                          409, or 400 with scimType uniqueness
    │   ├── Invalid                           400, 422: a value, or the form of the request
    │   ├── TooLarge                          413, or 400 with scimType tooMany
    │   ├── Unsupported                       405, 501: the server does not do this
    │   ├── PreconditionFailed                412: the resource changed since it was read
    │   ├── Throttled                         429 that lasted through all retries; the day's requests
    │   ├── ServerFailed                      5xx
    │   ├── NotStored                         success, and nothing happened
    │   └── WrongResource                     success, and the answer is about something else
    ├── NotScim                               the endpoint answers, but not in SCIM
    ├── IncompleteRead                        a list that ended early, repeats, or lies about its count
    ├── StateError                            the app's memory is damaged, foreign or newer
    ├── SnapshotError                         what was kept of a reading is damaged, foreign or newer
    ├── HistoryError                          the history can't be had, or does not know what is asked for
    ├── PlanError                             no plan can be made of this
    ├── NotReviewed                           uncommitted changes, or another branch than was said
    ├── CheckoutError                         what git has can't be taken over, or is not trusted
    ├── Locked                                another apply to this tenant is running
    ├── ForgeError                            GitHub or GitLab refused, or can't be used from here
    ├── GraphError                            Microsoft Graph refused, or said what can't be used
    ├── NotDelivered                          a notification that a mail server or a webhook did not take
    ├── NotApproved                 exit 5    nothing that was approved belongs to this commit
    └── Interrupted                 exit 130  Ctrl-C

An error knows its exit code, a hint (what to do), and its place if it has one. What an application answered, or did
not, is one of a closed list: `Verdict`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Verdict(StrEnum):
    """What became of a request, for programs: a closed list."""

    NOT_SENT = "notSent"
    ANSWER_LOST = "answerLost"
    CONFLICT = "conflict"
    NOT_FOUND = "notFound"
    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    INVALID = "invalid"
    TOO_LARGE = "tooLarge"
    UNSUPPORTED = "unsupported"
    PRECONDITION_FAILED = "preconditionFailed"
    RATE_LIMITED = "rateLimited"
    UNAVAILABLE = "unavailable"
    NOT_STORED = "notStored"
    WRONG_RESOURCE = "wrongResource"
    NOT_SCIM = "notScim"
    REFUSED = "refused"
    """Any other refusal."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a file something stands. `line` and `column` count from 1; 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in the files. `severity` is "error" or "warning"."""

    place: Place
    message: str
    hint: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}"
        return f"{text}\n    {self.hint}" if self.hint else text


class ReconcilerError(Exception):
    """Base of everything that a person is told; anything else that escapes is a bug."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", place: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place

    def __str__(self) -> str:
        head = f"{self.place}: {self.message}" if self.place else self.message
        return f"{head}\n    {self.hint}" if self.hint else head


class UsageError(ReconcilerError):
    """The command line is wrong, or a question was due and nobody is there to answer."""

    exit_code = 64


class DesiredStateError(ReconcilerError):
    """The files can't be used. Holds every problem of the run, sorted by place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.place, p.message)))
        errors = sum(1 for p in self.problems if p.severity == "error")
        super().__init__(f"{errors} error{'' if errors == 1 else 's'} in the desired state")

    def __str__(self) -> str:
        return "\n".join([*(str(p) for p in self.problems), self.message])


class ExpressionError(ReconcilerError):
    """An expression that can't be read, or that fails on the values it gets.

    `column` counts from 1 inside the expression, and `place` is where the expression begins in its file.
    """

    def __init__(self, message: str, *, column: int = 0, hint: str = "", place: Place | None = None) -> None:
        super().__init__(message, hint=hint, place=place)
        self.column = column


class ClauseError(ReconcilerError):
    """A clause whose value can't be used, or whose pattern takes too long. `column` counts from 1 inside the value."""

    def __init__(self, message: str, *, column: int = 0) -> None:
        super().__init__(message)
        self.column = column


class SecretError(ReconcilerError):
    """A secret reference that can't be resolved, or that must be pinned from outside and is not."""


class TransportError(ReconcilerError):
    """A request that got no usable answer. `request` is "METHOD URL", without secrets."""

    verdict: ClassVar[Verdict] = Verdict.ANSWER_LOST

    def __init__(self, message: str, *, request: str, hint: str = "") -> None:
        super().__init__(f"{request}: {message}", hint=hint)
        self.request = request


class NotSent(TransportError):
    """Nothing reached the server (name resolution, refused connection): safe to send again."""

    verdict = Verdict.NOT_SENT


class AnswerLost(TransportError):
    """The request was handed over and no answer came: the server may have acted."""


class BodyTooLarge(TransportError):
    """The answer is larger than allowed, counted after decompression."""


class ScimError(ReconcilerError):
    """The server refused. `detail` is its own text, cut and cleaned; `scim_type` RFC 7644 section 3.12."""

    verdict: ClassVar[Verdict] = Verdict.REFUSED

    def __init__(
        self, message: str, *, request: str, status: int, detail: str = "", scim_type: str = "", hint: str = ""
    ) -> None:
        super().__init__(f"{request}: {message}", hint=hint)
        self.request = request
        self.status = status
        self.detail = detail
        self.scim_type = scim_type


class Unauthorized(ScimError):
    """401: the token is missing, wrong or expired; or the token endpoint gave none, then `request` names it."""

    verdict = Verdict.UNAUTHORIZED


class Forbidden(ScimError):
    """403: no permission; some servers say this of an unknown id."""

    verdict = Verdict.FORBIDDEN


class NotFound(ScimError):
    """404."""

    verdict = Verdict.NOT_FOUND


class Conflict(ScimError):
    """A unique value is taken: 409, or 400 with scimType uniqueness (RFC 7644 section 3.12)."""

    verdict = Verdict.CONFLICT


class Invalid(ScimError):
    """400 or 422: a value, or the form of the request."""

    verdict = Verdict.INVALID


class TooLarge(ScimError):
    """413, or 400 with scimType tooMany: more than the server takes at once."""

    verdict = Verdict.TOO_LARGE


class Unsupported(ScimError):
    """405 or 501: the server does not do this, and says that nothing happened (RFC 9110 sections 15.5.6, 15.6.2)."""

    verdict = Verdict.UNSUPPORTED


class PreconditionFailed(ScimError):
    """412: the resource changed since it was read (RFC 7644 section 3.14)."""

    verdict = Verdict.PRECONDITION_FAILED


class Throttled(ScimError):
    """429 on every try, or not sent because the requests of the day are used up."""

    verdict = Verdict.RATE_LIMITED


class ServerFailed(ScimError):
    """5xx: the server may or may not have acted."""

    verdict = Verdict.UNAVAILABLE


class NotStored(ScimError):
    """Answered with success, and the application does not hold what was sent."""

    verdict = Verdict.NOT_STORED


class WrongResource(ScimError):
    """Answered with success, and the answer is about something else than what was sent."""

    verdict = Verdict.WRONG_RESOURCE


class NotScim(ReconcilerError):
    """The endpoint answers, but not in SCIM."""

    verdict: ClassVar[Verdict] = Verdict.NOT_SCIM


class IncompleteRead(ReconcilerError):
    """A list that can't be believed: no plan is made of it."""


class StateError(ReconcilerError):
    """The app's memory is damaged, foreign or of a newer version."""


class SnapshotError(ReconcilerError):
    """A snapshot that was kept is missing, damaged, altered, foreign or of a newer version."""


class HistoryError(ReconcilerError):
    """The history can't be opened, read or written, is of a newer version, or does not know what is asked for."""


class PlanError(ReconcilerError):
    """No plan can be made, or this plan can't be used."""


class NotReviewed(ReconcilerError):
    """What would be applied is not committed, or on another branch than was said."""


class CheckoutError(ReconcilerError):
    """A pull that failed, or a revision that may not be used. `run` goes on with what it had."""


class Locked(ReconcilerError):
    """Another apply to the same tenant is running."""


class ForgeError(ReconcilerError):
    """GitHub or GitLab refused, or can't be used from here. `status` is that of its answer; 0: there was none."""

    def __init__(self, message: str, *, hint: str = "", status: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class GraphError(ReconcilerError):
    """Microsoft Graph refused, or answered what can't be used. `status` is that of its answer; 0: it is not one."""

    def __init__(self, message: str, *, hint: str = "", status: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class NotDelivered(ReconcilerError):
    """A notification could not be handed over. It is told, and stops nothing."""


class NotApproved(ReconcilerError):
    """No plan that was approved belongs to this commit: it came past the review, or its report can't be proved."""

    exit_code = 5


class Interrupted(ReconcilerError):
    """Ctrl-C: running writes were finished, the rest skipped."""

    exit_code = 130

"""The ladder: forms of the same write, from the one that the profile says to those that other servers need.

A form that worked once is kept for the run; one that was refused before it ever worked gives way to the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal, TypeAlias, TypeVar

from reconciler.errors import ScimError, ServerFailed
from reconciler.model.profile import Profile

T = TypeVar("T")
Form: TypeAlias = Literal["patchPath", "patchPathless", "put"]
Writes: TypeAlias = Literal["user", "group", "members"]

FORMS: Final[tuple[Form, ...]] = ("patchPath", "patchPathless", "put")
_OF_THE_FORM: Final = frozenset({"invalidpath", "invalidsyntax", "notarget"})  # RFC 7644 section 3.12, lower-case


class Ineffective(ScimError):
    """Answered with success, and nothing happened."""


class Ladder:
    """The forms of one kind of write on one server, in the order in which they are tried."""

    def __init__(self, start: Form) -> None:
        at = FORMS.index(start)
        self._order = (*FORMS[at:], *FORMS[:at])
        self._worked: set[Form] = set()
        self.first: Form = start
        """The form to begin with."""

    def after(self, form: Form) -> Form | None:
        """The next rung; None at the end. Behind `put` follow the forms that the profile passed over."""
        at = self._order.index(form) + 1
        return self._order[at] if at < len(self._order) else None

    def prefer(self, form: Form) -> None:
        """Begin with this one from now on."""
        self.first = form
        self._worked.add(form)

    async def climb(self, once: Callable[[Form], Awaitable[T]]) -> T:
        """Write in the first form, and in the next ones as long as the form is refused. The first refusal is raised
        if all are: it is the one that speaks of what was wanted.
        """
        refusal: ScimError | None = None
        for form in (self.first, *(each for each in self._order if each != self.first)):
            try:
                result = await once(form)
            except ScimError as error:
                refusal = refusal or error
                if not self.refused(form, error):
                    raise
            else:
                self._note(form)
                return result
        assert refusal is not None
        raise refusal

    def _note(self, form: Form) -> None:
        """It was answered with success: begin with it, unless the one we begin with works too."""
        if self.first not in self._worked:
            self.first = form
        self._worked.add(form)

    def refused(self, form: Form, error: ScimError) -> bool:
        """Whether the server refuses the form, not what is in it, as far as one can tell.

        405, 501 and scimTypes that speak of paths and syntax always mean the form. Other 400s, 415, 422 and failures
        (some servers crash) mean it only as long as the form has not worked in this run.
        """
        if (
            isinstance(error, Ineffective)
            or error.status in {405, 501}
            or (error.status == 400 and error.scim_type.lower() in _OF_THE_FORM)
        ):
            return True
        unclear = type(error) is ScimError and error.status in {400, 415, 422}
        return (unclear or isinstance(error, ServerFailed)) and form not in self._worked


def ladders(profile: Profile) -> dict[Writes, Ladder]:
    """The ladders of an application, each beginning where its profile says."""
    return {
        "user": Ladder(profile.users.update),
        "group": Ladder(profile.groups.update),
        "members": Ladder(_members(profile)),
    }


def _members(profile: Profile) -> Form:
    match profile.groups.members:
        case "pathless":
            return "patchPathless"
        case "put":
            return "put"
        case _:
            return "patchPath"

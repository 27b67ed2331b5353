"""The ladders: forms of the same write, from the one that the profile says to those that other servers need.

A form that worked is kept for the run; one that was refused before it ever worked gives way to the next, and one that
did harm is never used again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, TypeAlias, TypeVar

from reconciler.errors import Invalid, NotStored, ScimError, ServerFailed, Unsupported
from reconciler.model.profile import MEMBER_FORMS, UPDATES, MemberForm, Profile, Update

T = TypeVar("T")
Form: TypeAlias = Update | MemberForm | Literal["patchWhole"]
"""The profile's words, and `patchWhole`: by path, and multi-valued attributes as the whole edited list."""
Writes: TypeAlias = Literal["user", "group", "add", "remove"]

_OF_THE_FORM: Final = frozenset({"invalidpath", "invalidsyntax", "notarget"})  # RFC 7644 section 3.12, lower-case
_USER: Final[tuple[Form, ...]] = ("patchPath", "patchWhole", "patchPathless", "put")
_ADD: Final[tuple[Form, ...]] = ("valuePath", "pathless", "replace", "put")
_REMOVE: Final[tuple[Form, ...]] = ("valuePath", "put", "replace", "valueArray", "pathless")
"""The last two come last because a server may take `members` for all of them (RFC 7644 section 3.5.2.2)."""
_WHOLE: Final = frozenset({"replace", "put"})


class Ladder:
    """The forms of one kind of write on one server, in the order in which they are tried."""

    def __init__(self, start: Form, order: Sequence[Form]) -> None:
        """Begins with `start`; then those behind it in `order`, then those before."""
        at = order.index(start) if start in order else -1
        self._order: tuple[Form, ...] = tuple(dict.fromkeys((start, *order[at + 1 :], *order[: at + 1])))
        self._worked: set[Form] = set()
        self.start = start
        self.first: Form = start
        """The form to begin with."""

    @property
    def rungs(self) -> tuple[Form, ...]:
        """All forms that may be tried, in order, whatever is begun with."""
        return self._order

    def after(self, form: Form) -> Form | None:
        """The next rung; None at the end. Those that the profile passed over come last."""
        if form not in self._order:
            return self.first
        at = self._order.index(form) + 1
        return self._order[at] if at < len(self._order) else None

    def prefer(self, form: Form) -> None:
        """Begin with this one from now on: it was verified."""
        self.first = form
        self._worked.add(form)

    def abandon(self, form: Form) -> None:
        """Never again in this run: it did harm. From now on begin with a form that says who stays, if there is one."""
        left = tuple(each for each in self._order if each != form)
        if left:
            self._order = left
            self.first = next((each for each in left if each in _WHOLE), left[0])

    async def climb(self, once: Callable[[Form], Awaitable[T]], *, without: Form | None = None) -> T:
        """Write in the first form, and in the next ones as long as the form is refused. The first refusal is raised
        if all are: it is the one that speaks of what was wanted. `without`: a form that would be another one's twin.
        """
        refusal: ScimError | None = None
        for form in (self.first, *(each for each in self._order if each != self.first)):
            if form == without and form != self.first:
                continue
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
        if form not in self._order:
            return
        if self.first not in self._worked:
            self.first = form
        self._worked.add(form)

    def refused(self, form: Form, error: ScimError) -> bool:
        """Whether the server refuses the form, not what is in it, as far as one can tell.

        405, 501 and scimTypes that speak of paths and syntax always mean the form. Other 400s, 415, 422 and failures
        (some servers crash) mean it only as long as the form has not worked in this run.
        """
        if isinstance(error, Unsupported | NotStored):
            return True
        if error.status == 400 and error.scim_type.lower() in _OF_THE_FORM:
            return True
        unclear = type(error) is ScimError and error.status == 415
        return (unclear or isinstance(error, Invalid | ServerFailed)) and form not in self._worked


def ladders(profile: Profile) -> dict[Writes, Ladder]:
    """The ladders of an application, each beginning where its profile says."""
    users, groups = profile.users, profile.groups
    user: Form = "patchWhole" if (users.update, users.multi_valued) == ("patchPath", "whole") else users.update
    readable = groups.read_members in {"inLists", "byId"}
    return {
        "user": Ladder(user, _USER),
        "group": Ladder(groups.update, [form for form in UPDATES if readable or form != "put"]),
        "add": Ladder(groups.members, (groups.members, *_possible(_ADD, readable=readable))),
        "remove": Ladder(groups.members, (groups.members, *_possible(_REMOVE, readable=readable))),
    }


def _possible(order: Sequence[Form], *, readable: bool) -> tuple[Form, ...]:
    """Whole lists are only written where they are shown; where they are not, nothing that may harm is tried either."""
    return tuple(form for form in order if readable or form == "valuePath")


def learned(ladder: dict[Writes, Ladder]) -> dict[str, str]:
    """Dotted key of the profile → the form that worked, where it is not the one that the profile says."""
    found: dict[str, str] = {}
    keys: dict[Writes, str] = {"user": "users.update", "group": "groups.update", "remove": "groups.members"}
    for kind, key in keys.items():
        one = ladder[kind]
        if one.first != one.start:
            found |= _said(key, one.first, one.start)
    adding = ladder["add"]
    if adding.first != adding.start and adding.first in MEMBER_FORMS:
        found.setdefault("groups.members", adding.first)
    return found


def _said(key: str, form: Form, instead_of: Form) -> dict[str, str]:
    """A form in the profile's words: those of `patchWhole` are two."""
    by_path: tuple[Form, ...] = ("patchPath", "patchWhole")
    said: dict[str, str] = (
        {} if form in by_path and instead_of in by_path else {key: "patchPath" if form in by_path else form}
    )
    if "patchWhole" in (form, instead_of) and form in by_path:
        said["users.multiValued"] = "whole" if form == "patchWhole" else "element"
    return said


def writes_whole(form: Form) -> bool:
    """Whether the form sends everybody who shall be in the group."""
    return form in _WHOLE

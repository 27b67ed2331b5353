"""The pure core: desired and live state, and memory, become a plan. No I/O, no clock, no environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from reconciler.errors import IncompleteRead, PlanError
from reconciler.model.app import App, Guardrails
from reconciler.model.desired import Desired
from reconciler.model.directory import Directory
from reconciler.model.discovered import Discovered, from_app
from reconciler.model.plan import Change, DeactivateUser, Later, Note, Plan
from reconciler.model.profile import Profile
from reconciler.model.snapshot import Snapshot
from reconciler.model.sso import SignOn
from reconciler.model.state import State
from reconciler.model.trailer import Trailer
from reconciler.model.values import RemoteId, user_key
from reconciler.plan.altered import people_notes, settings_notes
from reconciler.plan.approved import Narrowed, narrow
from reconciler.plan.context import VERSION, Context, Known, read_paths, theirs
from reconciler.plan.departures import wanted_before
from reconciler.plan.difference import Comparer, as_json, digest
from reconciler.plan.document import assemble, instant, signed
from reconciler.plan.exchange import hold_together
from reconciler.plan.few import few, is_cheaper, remembered
from reconciler.plan.given_back import GivenBack, given_back
from reconciler.plan.guard import WINDOW, check, guard, is_window_lost, weigh
from reconciler.plan.identity import Identity
from reconciler.plan.impossible import block_impossible
from reconciler.plan.interest import fill_from_memory, interest_of, joint_interest
from reconciler.plan.kept import made
from reconciler.plan.later import later
from reconciler.plan.loosened import change_notes
from reconciler.plan.matching import left_out, match_groups, match_users
from reconciler.plan.moved import Moved
from reconciler.plan.names import untangle
from reconciler.plan.offline import Supposed, offline_note
from reconciler.plan.once_sensitive import marked, sensitive_groups
from reconciler.plan.only import check_keys, only
from reconciler.plan.order import STAGES, Name, dependencies, exchanges, given_up, ordered, stage
from reconciler.plan.origin import Other, known_from, windows_moved, with_origins
from reconciler.plan.people import People
from reconciler.plan.releases import Releases
from reconciler.plan.resemblance import looks_alike
from reconciler.plan.revocations import revocation_notes, revoked_people, without_owners
from reconciler.plan.saved import MAX_BYTES as MAX_PLAN_BYTES
from reconciler.plan.saved import read_plans
from reconciler.plan.sign_on import sign_on_notes
from reconciler.plan.signing import check_signature, private_key, sign
from reconciler.plan.suspect import with_suspects
from reconciler.plan.teams import Teams
from reconciler.plan.trailers import answered, in_force, released
from reconciler.plan.unknown import unknown
from reconciler.plan.unread import age_note, lacking_notes, redacted_paths, telling_paths, widened
from reconciler.plan.written import (
    canonical,
    changes_digest,
    digest_of,
    digest_of_changes,
    document,
    pieces,
    to_json,
)

TOKEN_SOON = 30
"""Days before the token's end from which every plan says so."""


@dataclass(slots=True)
class Proposal:
    """A plan, and who is who behind it: what an apply needs to remember."""

    plan: Plan
    context: Context
    left: frozenset[str] = frozenset()
    """Keys of what the application needs and the plan does not do: nothing of it was found as wanted."""
    whole: bool = True
    """False: something that could run is left to another time."""
    undoes: GivenBack = field(default_factory=GivenBack)
    """What is taken away again that somebody had taken away before us: git is asked for it anew."""
    known: Mapping[str, Known] | None = None
    """Whose account was whose by the files of the base, where that was asked for; None: there was no plan for it."""
    unknown: str = ""
    """Why there was none, in words."""

    def reduced(self, plan: Plan, *, whole: bool = False) -> Proposal:
        """With a part of its plan."""
        kept = {id(change) for change in plan.changes}
        left = (change.key for change in self.plan.changes if id(change) not in kept)
        return replace(self, plan=plan, left=self.left.union(left), whole=self.whole and whole)

    def instead(self, changes: Sequence[Change], undoes: GivenBack) -> Proposal:
        """Other changes on the same reading, judged by the same guardrails. The context is used up."""
        context, left = self.context, self.left.union(change.key for change in self.plan.changes)
        context.changes, context.blocked, context.behind = list(changes), [], {}
        context.notes = [note for note in context.notes if note.code in ("noState", "tokenExpires", "membersUnread")]
        numbers = context.snapshot.numbers
        gone = (c for c in changes if isinstance(c, DeactivateUser) and c.id in numbers)
        context.leaving, context.deleting = {numbers[RemoteId(str(c.id))]: c.key for c in gone}, set()
        untangle(context, "user")
        untangle(context, "group")
        block_impossible(context)
        guardrails = guard(context)
        hold_together(context)
        return Proposal(assemble(context, guardrails), context, left, whole=False, undoes=undoes)

    @property
    def users(self) -> Identity:
        return self.context.users

    @property
    def groups(self) -> Identity:
        return self.context.groups


@dataclass(frozen=True, slots=True)
class Version:
    """An app as one version of its files has it."""

    app: App
    profile: Profile
    desired: Desired


@dataclass(frozen=True, slots=True)
class Earlier:
    """The revision that this change is compared with."""

    commit: str
    version: Version | None
    """None: everything is new against it."""
    why: str = ""
    """Why there is none, in words."""
    alone: App | None = None
    """The app as it was, where nothing else of that revision can be used."""

    @property
    def app(self) -> App | None:
        return self.alone if self.version is None else self.version.app

    @property
    def guardrails(self) -> tuple[Guardrails, ...]:
        return () if self.app is None else (self.app.guardrails,)


def propose(
    app: App,
    profile: Profile,
    desired: Desired,
    snapshot: Snapshot,
    state: State,
    *,
    as_of: datetime,
    as_of_given: bool = False,
    releases: Releases | None = None,
    discovered: Discovered | None = None,
    stricter: Sequence[Guardrails] = (),
    notes: Sequence[Note] = (),
    trailers: Sequence[Trailer] = (),
    looked_for: frozenset[str] | None = None,
    base: Earlier | None = None,
    then: Desired | None = None,
    sign_on: SignOn | None = None,
    tells_base: bool = False,
) -> Proposal:
    """Match, difference, guard, order. The same inputs give the same bytes.

    `as_of_given`: it is not the present, but a moment that somebody asked for. The plan says so, and is for reading.
    `stricter`: guardrails of other revisions, such as the one last applied; they hold beside the app's own, and so do
    those of `base`. `trailers`: those of `releases` that commits carry. `then`: what today's files asked for when they
    were last applied, where a window has opened or closed since. `sign_on`: what is known
    of the identity provider. `tells_base`: the proposal says whose account was whose at the base. With `base` or `then`
    the snapshot must hold what those read, too.

    Raises PlanError or IncompleteRead where no plan can be trusted.
    """
    allowed = releases or Releases()
    if base is not None:
        stricter = (*stricter, *base.guardrails)
        notes = (*notes, *change_notes(app, base.app), *settings_notes(app, base.app))
        if base.version is not None:
            notes = (*notes, *people_notes(app, desired, base.version.desired))
    before, why = _planned_before(base, snapshot, state, as_of, allowed)
    last = None if then is None else Earlier("", Version(app, profile, then))
    earlier, _ = _planned_before(last, snapshot, state, as_of, allowed)
    known = known_from(before) if before is not None and (state.fresh or tells_base) else None
    context = _planned(
        app, profile, desired, snapshot, state, as_of, allowed,
        discovered=discovered, stricter=stricter, looked_for=looked_for, known=known if state.fresh else None,
    )  # fmt: skip
    context.notes += notes
    if as_of_given:
        text = f"planned for {instant(as_of)}, as asked: this can be read, and not applied"
        context.notes.append(Note(code="asOf", key=app.name, text=text))
    if base is not None and why:
        context.notes.append(Note(code="noBase", key=app.name, text=f"{why}: everything counts as this change"))
    guardrails = guard(context)
    hold_together(context)
    context.notes += answered(trailers, context.changes, guardrails, app.name)
    changes = with_origins(context, Other.of(before), Other.of(earlier), compared=base is not None)
    if base is not None and base.version is not None:
        changes = marked(changes, sensitive_groups(desired, base.version.desired))
    context.changes[:] = with_suspects(context, changes)
    context.notes += sign_on_notes(context, sign_on or SignOn())
    commit = base.commit if base is not None else None
    plan = assemble(context, guardrails, commit, _later(app, desired, base, as_of))
    return Proposal(plan, context, known=known if tells_base else None, unknown=why)


def _later(app: App, desired: Desired, base: Earlier | None, as_of: datetime) -> Sequence[Later]:
    """Without anything to compare with, everything is of this change."""
    if base is None:
        return ()
    before = base.version
    if before is None:
        nobody = replace(desired, directory=Directory({}, {}), reach=None)
        return later(app, desired, app, nobody, as_of)
    return later(app, desired, before.app, before.desired, as_of)


def _planned_before(
    earlier: Earlier | None, snapshot: Snapshot, state: State, as_of: datetime, releases: Releases
) -> tuple[Context | None, str]:
    """The plan for an earlier version, and, where there is none, why."""
    if earlier is None or earlier.version is None:
        return None, earlier.why if earlier is not None else ""
    version = earlier.version
    try:
        return _planned(version.app, version.profile, version.desired, snapshot, state, as_of, releases), ""
    except (PlanError, IncompleteRead) as error:
        return None, f"there is no plan for {earlier.commit[:7]}: {error.message}"


def _planned(
    app: App,
    profile: Profile,
    desired: Desired,
    snapshot: Snapshot,
    state: State,
    as_of: datetime,
    releases: Releases,
    *,
    discovered: Discovered | None = None,
    stricter: Sequence[Guardrails] = (),
    looked_for: frozenset[str] | None = None,
    known: Mapping[str, Known] | None = None,
) -> Context:
    """Everything but the guardrails."""
    if profile.groups.read_members == "never":
        fill_from_memory(snapshot, state)
    elif snapshot.source == "snapshot":
        fill_from_memory(snapshot, state, unread=True)
    overrides = discovered.overrides if discovered else from_app(app.profile)
    context = Context(
        app, profile, desired, snapshot, state, releases, as_of, overrides, stricter, looked_for, known=known or {}
    )
    context.notes += unknown(context, discovered)
    check(context)
    accounts = theirs(
        desired.user_columns,
        snapshot.user_paths,
        [a.id for a in snapshot.accounts],
        [a.values for a in snapshot.accounts],
        context.ignored_accounts,
        context.untouchable,
    )
    context.users = match_users(context, accounts)
    context.desired = without_owners(context)
    context.left_out = left_out(context, accounts)
    context.groups = match_groups(
        context,
        theirs(
            desired.group_columns,
            snapshot.group_paths,
            [g.id for g in snapshot.groups],
            [g.values for g in snapshot.groups],
            context.ignored_groups,
            context.protected_app_groups,
        ),
    )
    people = People(context)
    people.plan()
    untangle(context, "user")
    people.references.settle()
    context.notes += looks_alike(context)
    Teams(context).plan()
    untangle(context, "group")
    block_impossible(context)
    context.notes += _circumstances(context)
    return context


def _circumstances(context: Context) -> list[Note]:
    """What the reader of a plan must know beside its changes."""
    app = context.app
    notes = [Note(code="leftOut", key=user_key(user), text=why) for user, why in context.desired.left_out.items()]
    notes += revocation_notes(context)
    if context.snapshot.partial:
        text = "people were looked up one by one: accounts that nobody described are not seen"
        if context.snapshot.blind:
            text = "what tells whose an account is was not read: accounts that nobody described are not judged"
        notes.append(Note(code="partial", key=app.name, text=text))
    if context.profile.groups.read_members == "never" and context.desired.maps_members:
        text = f"{context.profile.title} shows no members: who is in a group is what was put there"
        notes.append(Note(code="membersUnread", key=app.name, text=text))
    if context.state.fresh:
        text = "no memory yet: nobody is managed until the first apply"
        notes.append(Note(code="noState", key=app.name, text=text))
    if not app.provisioning:
        text = "provisioning is off: this can be planned, and not applied"
        notes.append(Note(code="provisioningOff", key=app.name, text=text))
    if app.auth is not None and app.auth.expires is not None:
        left = (date.fromisoformat(app.auth.expires) - context.as_of.date()).days
        if left <= TOKEN_SOON:
            when = f"expires on {app.auth.expires}" if left >= 0 else f"expired on {app.auth.expires}"
            notes.append(Note(code="tokenExpires", key=app.name, text=f"the token {when}: get a new one"))
    return notes


__all__ = [
    "MAX_PLAN_BYTES",
    "STAGES",
    "TOKEN_SOON",
    "VERSION",
    "WINDOW",
    "Comparer",
    "Earlier",
    "GivenBack",
    "Known",
    "Moved",
    "Name",
    "Narrowed",
    "Proposal",
    "Releases",
    "Supposed",
    "Version",
    "age_note",
    "as_json",
    "canonical",
    "changes_digest",
    "check_keys",
    "check_signature",
    "dependencies",
    "digest",
    "digest_of",
    "digest_of_changes",
    "document",
    "exchanges",
    "few",
    "given_back",
    "given_up",
    "in_force",
    "instant",
    "interest_of",
    "is_cheaper",
    "is_window_lost",
    "joint_interest",
    "lacking_notes",
    "made",
    "narrow",
    "offline_note",
    "only",
    "ordered",
    "pieces",
    "private_key",
    "propose",
    "read_paths",
    "read_plans",
    "redacted_paths",
    "released",
    "remembered",
    "revoked_people",
    "sign",
    "signed",
    "stage",
    "telling_paths",
    "to_json",
    "wanted_before",
    "weigh",
    "widened",
    "windows_moved",
]

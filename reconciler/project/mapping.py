"""One mapping, compiled once: from a person's source attributes to what flows to the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from reconciler.errors import ExpressionError, Place
from reconciler.model.clauses import as_text
from reconciler.model.desired import Column
from reconciler.model.mapping import Mapping as Written
from reconciler.model.path import AttributePath, parse_path
from reconciler.model.profile import Profile
from reconciler.model.schema import Schema, core_names, describe, is_core, refusal
from reconciler.model.values import UNSET, Choice, Flow, Generated, IgnoreObject, Redacted, Unset, Value, is_null
from reconciler.project.conform import Misfit, any_text, conformer, never_fits
from reconciler.project.expressions import Context, Expression, compile_expression
from reconciler.project.expressions.context import NOTHING_KNOWN
from reconciler.project.findings import Findings
from reconciler.project.sources import SOFT
from reconciler.project.suggest import suggestion

Kind: TypeAlias = Literal["users", "groups"]
Source: TypeAlias = Mapping[str, Value]
Run: TypeAlias = Callable[[Source], Flow]

OBJECT_FILTER: Final = "objectfilter"
"""The target, in lower case, of an expression that leaves people out altogether (IgnoreObjectFlow)."""
_MARKS: Final = (Unset, IgnoreObject, Generated, Redacted, Choice)
_CACHED: Final = 4096
"""Results that one expression remembers."""


@dataclass(slots=True)
class Compiled:
    """`flow` gives the target's value, None (emptied) or UNSET (nothing flows); raises Misfit or ExpressionError."""

    column: Column
    path: AttributePath
    flow: Run
    place: Place
    reads: frozenset[str] = field(default_factory=frozenset)
    broken: bool = False
    """There is a problem with the mapping itself: nothing more is said of what it makes of people."""


def compile_mapping(
    written: Written,
    kind: Kind,
    profile: Profile,
    known: Schema,
    findings: Findings,
    context: Context = NOTHING_KNOWN,
) -> Compiled:
    """Compiles one effective mapping; what is wrong with it goes to `findings`. `known`: what it may read."""
    return _Compiler(written, kind, profile, known, findings, context).compile()


class _Compiler:
    def __init__(
        self,
        written: Written,
        kind: Kind,
        profile: Profile,
        known: Schema,
        findings: Findings,
        context: Context,
    ) -> None:
        self.written = written
        self.kind = kind
        self.known = known
        self.findings = findings
        self.context = context
        self.profile = profile
        self.group = kind == "groups"
        self.path = parse_path(written.target)
        self.schema: Schema = {} if self.group else profile.schema_of_users
        self.attribute = describe(self.path, group=self.group, schema=self.schema)
        self.conform = conformer(self.path, profile, group=self.group)
        self.conform_written = conformer(self.path, profile, group=self.group, written=True)
        self.reads: frozenset[str] = frozenset()
        self.additive = self.redacts = False
        self.broken = False

    def compile(self) -> Compiled:
        written = self.written
        self._check_target()
        self._check_matching()
        flow = self._flow()
        default = self._checked(written.default, "default")
        for key, value in (written.values or {}).items():
            self._checked(value, f"values.{key}")
        column = Column(
            path=written.target,
            matching=written.matching or 0,
            on_create=written.apply == "onCreate",
            default=default,
            soft=SOFT in self.reads and written.apply == "always",
            source=written.source or "",
            redacts=self.redacts,
            additive=self.additive,
        )
        if self.broken:
            flow = _nothing
        return Compiled(column, self.path, flow, self._place(), self.reads, self.broken)

    def _flow(self) -> Run:
        written, settle = self.written, self._settler()
        if written.source is not None:
            return self._direct(written.source, settle)
        if written.expression is not None:
            return self._evaluated(written.expression, settle)
        value = self._checked(written.constant, "constant")
        return lambda _: settle(value)

    def _direct(self, name: str, settle: Callable[[Value], Flow]) -> Run:
        self.reads = frozenset((name,))
        self._check_attribute(name, self._place("source"))
        self._check_fit(name)
        # A text that flows as it is, which is nearly every value, needs no call.
        plain = self.conform is any_text and self.written.values is None

        def direct(source: Source) -> Flow:
            value = source.get(name)
            return value if plain and type(value) is str and value else settle(value)

        return direct

    def _evaluated(self, text: str, settle: Callable[[Value], Flow]) -> Run:
        place = self._place("expression")
        try:
            expression = compile_expression(text, place=place)
        except ExpressionError as error:
            self._problem(self._inside(error.column), error.message, error.hint)
            return _nothing
        self.reads = frozenset(expression.reads)
        self.additive, self.redacts = expression.additive, expression.redacts
        for name, column in expression.readings:
            self._check_attribute(name, self._inside(column), f", at column {column}")
        self._check_words(expression, place)
        evaluate, context = expression.evaluate, self.context
        if expression.assertive:
            settle = _or_none_at_all(settle)
        return _remembering(lambda source: settle(evaluate(source, context)), expression.reads)

    def _check_words(self, expression: Expression, place: Place) -> None:
        """Some functions are good for creation only, and some for everything but matching attributes."""
        once, written = expression.once, self.written
        if once and written.matching:
            self._problem(place, f"{once} can't make a matching attribute: by its value the account is found again")
        elif once and written.apply != "onCreate":
            self._problem(place, f"{once} is for creation only", "add `apply: onCreate`")
        if once and written.values is not None:
            self._problem(self._place("values"), f"`values` can't translate what {once} makes")
        if expression.redacts and written.matching:
            self._problem(place, "a matching attribute can't be redacted: plans name accounts by it")
        if self._is_reference() and (once or expression.redacts):
            self._problem(place, f"{self.written.target} takes the id of a person: {once or 'Redact'} makes none")
        column = expression.words.get("IgnoreObjectFlow")
        if column is not None and self.path.schema_name != OBJECT_FILTER:
            message = f"IgnoreObjectFlow flows only to the target objectFilter, at column {column}"
            self._problem(self._inside(column), message, "IgnoreAttributeFlow leaves out one attribute")

    def _settler(self) -> Callable[[Value], Flow]:
        empty: Flow = None if self.written.when_null == "clear" else UNSET
        conform, table = self.conform, self._table()

        def settle(value: Value) -> Flow:
            if type(value) in _MARKS:
                return _settled_mark(value, settle)
            if table is not None and not is_null(value):
                value = table(value)
                if value is UNSET:
                    return UNSET
            return empty if is_null(value) else conform(value)

        return settle

    def _table(self) -> Callable[[Value], Flow] | None:
        values, otherwise = self.written.values, self.written.otherwise
        if values is None:
            return None

        def one(value: Value) -> Flow:
            found = values.get(as_text(value), UNSET)
            if found is not UNSET or otherwise == "skip":
                return found
            if otherwise == "keep":
                return value
            message = f"`values` says nothing of {as_text(value)!r}"
            raise Misfit(message, "add it to `values`, or say `otherwise: keep` or `skip`")

        def translate(value: Value) -> Flow:
            if not isinstance(value, (tuple, list)):
                return one(value)
            return tuple(each for element in value if (each := one(element)) is not UNSET)

        return translate

    def _checked(self, value: Any, part: str) -> Value:
        """A value that stands in the mapping itself, as the target takes it."""
        if value is None:
            return None
        try:
            return self.conform_written(value)
        except Misfit as error:
            self._problem(self._place(part), f"{self.written.target}: {error.message}", error.hint)
            return None

    def _check_target(self) -> None:
        target, attribute = self.written.target, self.attribute
        why = refusal(self.path, group=self.group, schema=self.schema)
        place = self._place("target")
        if self.group and self.path.schema_name == OBJECT_FILTER:
            self._problem(place, f"{target} leaves out people", "groups are left out by `groupFilters`")
        elif why:
            self._problem(place, f"{target} can't be a target: {why}")
        elif self.path.key and not self.path.sub:
            self._problem(place, f"{target} has parts: a mapping writes one", f"such as {target}.value")
        elif attribute is not None and attribute.type == "complex" and not self._makes_parts():
            example = f'{target}[type eq "work"].value' if attribute.multi_valued else f"{target}.givenName"
            self._problem(place, f"{target} has parts: a mapping writes one", f"such as {example}")
        elif attribute is None and is_core(self.path) and self.path.schema_name != OBJECT_FILTER:
            self._check_spelling(place)

    def _check_spelling(self, place: Place) -> None:
        """An application may have what SCIM does not know; something that is spelled nearly alike is a slip."""
        hint = suggestion(self.path.schema_name, core_names(group=self.group), cutoff=0.8)
        if hint:
            self.findings.warn(place, f"SCIM knows no {self.written.target}", hint)

    def _makes_parts(self) -> bool:
        """The functions of app roles make values of `roles`, with all their parts."""
        return "AppRoleAssignmentsComplex" in (self.written.expression or "")

    def _check_matching(self) -> None:
        """By what accounts are matched, they should be found by filter.

        Only a warning: matching works on the whole list. But after a creation whose answer was lost the account is
        looked up, and without a filter that reads the list once more. Where the gallery matches so, it has its reason.
        """
        if not self.written.matching:
            return
        place = self._place("matching")
        if self._is_reference():
            self._problem(place, "a reference can't be a matching attribute: ids are not known before accounts are")
            return
        kind = "groups" if self.group else "users"
        if self.findings.inherited(kind, self.written.target):
            return
        filters = self.profile.filters
        trusted = filters.groups if self.group else filters.users
        names = {self.path.text.lower(), self.path.schema_name}  # as the look-up compares them
        if self.path.urn or names.isdisjoint(each.lower() for each in trusted):
            self.findings.warn(
                place,
                f"{self.profile.title} can't filter by {self.written.target}: each look-up reads the whole list",
                f"`filters.{kind}` of the profile: {', '.join(trusted) or 'none'}; add it there if the server can",
            )

    def _is_reference(self) -> bool:
        return self.attribute is not None and self.attribute.type == "reference"

    def _check_attribute(self, name: str, place: Place, where: str = "") -> None:
        if name in self.known:
            return
        if name == "appRoleAssignments":
            self._problem(place, f"appRoleAssignments is about people{where}")
        elif name == "members":
            self._problem(place, f"members flows only to the target members of groups{where}")
        else:
            message = f"no source attribute has the name {name}{where}"
            self._problem(place, message, suggestion(name, self.known))

    def _check_fit(self, name: str) -> None:
        """What is wrong with every value of a source is told once, at the mapping."""
        source, target, place = self.known.get(name), self.attribute, self._place("source")
        if source is None:
            return
        several = target.multi_valued if target is not None else not (self.path.key or self.path.sub)
        if source.multi_valued and not several:
            message = f"{name} has several values, and {self.written.target} takes one"
            self._problem(place, message, f"pick one: expression: Item([{name}], 1)")
        elif target is not None and self.written.values is None and (why := never_fits(source, target)):
            references = [each for each, attribute in self.known.items() if attribute.type == "reference"]
            hint = f"attributes of type reference: {', '.join(sorted(references))}" if self._is_reference() else ""
            self._problem(place, f"{self.written.target}: {name} {why}", hint)

    def _place(self, part: str = "") -> Place:
        return self.findings.mapping_place(self.kind, self.written.target, part)

    def _inside(self, column: int) -> Place:
        return self.findings.inside(self.kind, self.written.target, column)

    def _problem(self, place: Place, message: str, hint: str = "") -> None:
        self.broken = True
        self.findings.add(place, message, hint)


def _settled_mark(value: Value, settle: Callable[[Value], Flow]) -> Flow:
    """What is no plain value flows as it is; what is inside of it must fit the target too."""
    if isinstance(value, Redacted):
        try:
            inner = settle(value.value)
        except Misfit:
            message = "a redacted value does not fit the target"
            raise Misfit(message) from None
        return inner if is_null(inner) else Redacted(inner)
    if isinstance(value, Choice):
        return Choice(tuple(as_text(settle(each)) for each in value.candidates))
    return value


def _or_none_at_all(settle: Callable[[Value], Flow]) -> Callable[[Value], Flow]:
    """An assertive function gives all values there are to be: without any, those that the application has go."""
    return lambda value: None if value == () else settle(value)


def _nothing(_: Source) -> Flow:
    return UNSET


def _remembering(run: Run, reads: tuple[str, ...]) -> Run:
    """Expressions are pure: the same attributes give the same result. `Switch([IsSoftDeleted], …)` has two."""
    results: dict[Any, Flow] = {}
    single = reads[0] if len(reads) == 1 else None

    def remembered(source: Source) -> Flow:
        key = source.get(single) if single is not None else tuple(map(source.get, reads))
        try:
            return results[key]
        except KeyError:
            result = run(source)
            if len(results) < _CACHED:
                results[key] = result
            return result
        except TypeError:  # a complex value is no key
            return run(source)

    return remembered

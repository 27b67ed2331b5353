"""Rules of groups, checked as far as files alone allow: everything that scoping filters refuse, with its place."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.desired.document import Entries
from reconciler.desired.explain import validate
from reconciler.desired.form import Form
from reconciler.desired.sheet import Sheet
from reconciler.errors import ClauseError
from reconciler.model.app import Clause, Condition, Operator
from reconciler.model.clauses import compile_condition, kinds_of
from reconciler.model.directory import COMPUTED, GRAPH_ATTRIBUTES, Rule
from reconciler.model.settings import CustomAttribute
from reconciler.model.written import Written


class WrittenRule(Written):
    """People for whom all clauses hold count as members of the group."""

    all: tuple[Condition, ...]
    """What must hold, every one of them."""


class WrittenRules(Written):
    rules: tuple[WrittenRule, ...] = ()


class Rules:
    """Reads the rules of one group after the other."""

    def __init__(self, custom: Mapping[str, CustomAttribute], *, judges_keys: bool) -> None:
        self._known = frozenset((*GRAPH_ATTRIBUTES, *custom))
        self._kinds = kinds_of({name: one.type for name, one in custom.items()})
        self._judges_keys = judges_keys

    def read(self, form: Form, entries: Entries, *, sensitive: bool) -> tuple[Rule, ...]:
        """What can be used of them; of the rest it is reported what is wrong. Null is an empty list."""
        given = entries["rules"]
        if given is None:
            return ()
        if sensitive and given:
            form.error(entries.key_marks["rules"], "a sensitive group has no rules", "name its members one by one")
        sheet = Sheet.part(form.document, entries, "rules")
        written = validate(WrittenRules, sheet, form.findings)
        if written is None:
            return ()
        for number, rule in enumerate(written.rules):
            if not rule.all:
                hint = "say what must hold, or remove it: nothing holds of everybody"
                form.findings.error(sheet.place(f"rules.{number}.all"), "a rule without clauses", hint)
            for position, condition in enumerate(rule.all):
                self._check(form, sheet, condition, f"rules.{number}.all.{position}")
        return tuple(Rule(each.all, sheet.place(f"rules.{number}").line) for number, each in enumerate(written.rules))

    def _check(self, form: Form, sheet: Sheet, condition: Condition, key: str) -> None:
        clause, inner = (condition, key) if isinstance(condition, Clause) else (condition.clause, f"{key}.not")
        findings = form.findings
        if clause.operator is Operator.IS_MEMBER_OF:
            hint = "the members of a group count if it is nested: `- group: ID` under `members`"
            findings.error(sheet.place(f"{inner}.operator"), f"a rule can't ask for {clause.operator}", hint)
            return
        name = clause.attribute
        if name not in self._known and self._judges_keys:
            place = sheet.place(f"{inner}.attribute")
            if name in COMPUTED:
                findings.error(
                    place, f"`{name}` is computed, so no rule can read it", "rules read what stands in files"
                )
            else:
                message = f"no attribute of people has the name `{name}`"
                findings.error(place, message, findings.near(name, self._known))
            return
        try:
            compile_condition(condition, self._kinds.get(name, ""))
        except ClauseError as error:
            findings.error(sheet.place(f"{inner}.value"), error.message)

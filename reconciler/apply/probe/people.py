"""What all questions about accounts share: the values that are sent, and the forms that were found to work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.apply.probe.forms import Forms
from reconciler.apply.probe.samples import account, sample
from reconciler.apply.probe.yard import Made, Yard
from reconciler.live.probe.ask import Said
from reconciler.model.profile import Update


class People:
    def __init__(self, yard: Yard, forms: Forms, targets: Iterable[str]) -> None:
        self.yard = yard
        self.report = yard.report
        self.profile = yard.profile
        self.forms = forms
        self.form: Update | None = None
        """The form of single values that works; None until one did."""
        self.required = list(self.profile.users.required)
        self.targets = list(dict.fromkeys(("userName", *targets)))
        self.primary = self.profile.email_primary
        """Elements of `emails` are sent with `primary`."""
        self.kept: list[str] = []
        """Targets that were stored as sent."""

    def values(self, letter: str, *, only: Iterable[str] | None = None) -> dict[str, Any]:
        name = self.yard.names.user(letter)
        texts = self.targets if only is None else list(dict.fromkeys(("userName", *only)))
        made = {text: sample(self.profile, text, name) for text in texts}
        return {text: value for text, value in made.items() if value is not None}

    async def create(self, values: dict[str, Any]) -> tuple[Made | None, Said]:
        return await self.yard.create("user", account(values, primary=self.primary))

"""Issues about drift: one for each app, kept up to date, closed when the application is what git says again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.forge import text
from reconciler.forge.nouns import Forge, Issue
from reconciler.forge.told import Told
from reconciler.render import Report


@dataclass(frozen=True, slots=True)
class Watch:
    """How drift is told. `run_url` shows the run that found it."""

    forge: Forge
    run_url: str = ""
    values: bool = False
    told: Told = field(default_factory=Told)

    async def tell(self, reports: Sequence[Report]) -> None:
        """Everything that can be done is done; the rest is in `told`."""
        mine: list[Issue] | None = None
        with self.told.step("the issues"):
            me = await self.forge.viewer()
            mine = [issue for issue in await self.forge.issues(me) if issue.author == me]
        for report in reports if mine is not None else ():
            with self.told.step(f"the issue about {report.plan.app}"):
                await self._tell(report, mine or [])

    async def _tell(self, report: Report, mine: Sequence[Issue]) -> None:
        """The oldest issue stays: people may have written there. Others, which two jobs at a time can leave, are
        closed.
        """
        app = report.plan.app
        found = sorted(
            (each for each in mine if (mark := text.Mark.read(each.body)) and mark.app == app),
            key=lambda each: each.number,
        )
        title = f"Access drift: {app}"
        if not report.plan.empty:
            shown = text.current(report, text.body(report, values=self.values, more=text.whole_run(self.run_url)))
            if not found:
                await self.forge.open_issue(title, shown)
            elif found[0].body != shown:
                await self.forge.edit_issue(found[0].number, title, shown)
            found = found[1:]
        for issue in found:
            await self.forge.close_issue(issue.number, text.gone(report))

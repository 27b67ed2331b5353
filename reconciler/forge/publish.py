"""The report of a pull request: seal, comment, labels. One step that is refused does not stop the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from reconciler.errors import ForgeError
from reconciler.forge import text
from reconciler.forge.labels import balanced
from reconciler.forge.nouns import Comment, Forge, PullRequest, Seal, Sealing
from reconciler.forge.told import Told
from reconciler.render import Report
from reconciler.render import annotations as remarks_of

Mode = Literal["update", "renew"]
SEALED: Final = 64_000
"""Bytes of what a check run says: 65,535 is all it holds."""
WATCHED: Final = (
    ".github/", ".gitlab/", ".gitlab-ci.yml", "templates/reconciler.yml", "CODEOWNERS", "docs/CODEOWNERS",
)  # fmt: skip
"""Who changes these may change what is reported."""


@dataclass(frozen=True, slots=True)
class Publication:
    """How reports are published. `run` has the plans in its artifacts, and `run_url` shows it."""

    forge: Forge
    pull: PullRequest
    run: int
    run_url: str = ""
    mode: Mode = "renew"
    values: bool = False
    told: Told = field(default_factory=Told)

    @property
    def more(self) -> str:
        return text.whole_run(self.run_url)

    async def publish(self, reports: Sequence[Report]) -> None:
        """Everything that can be done is done; the rest is in `told`. Raises ForgeError, and does nothing, where the
        plans may be another one's.
        """
        if self.run and not await self.forge.planned(self.run, self.pull):
            raise ForgeError(
                f"run {self.run} was not for commit {self.pull.head[:12]} of pull request {self.pull.number} "
                f"into {self.pull.target}",
                hint="push again, so that it is planned as it is",
            )
        notices: list[str] = []
        with self.told.step("what the pull request touches"):
            notices = suspicious(await self.forge.touched(self.pull.number))
        before: dict[str, Seal] = {}
        with self.told.step("what was reported before"):
            before = await self.forge.seals(self.pull.head, self.pull.number)
        newest = [report for report in reports if not self._outdated(report, before)]
        for report in newest:
            await self._seal(report, notices)
        comments: list[Comment] | None = None
        with self.told.step("the comments"):
            me = await self.forge.viewer()
            comments = [each for each in await self.forge.comments(self.pull.number) if each.author == me]
        for report in newest if comments is not None else ():
            with self.told.step(f"the comment about {report.plan.app}"):
                await self._comment(report, comments or [], notices)
        with self.told.step("the labels"):
            await balanced(self.forge, self.pull, [self._sealed(report) for report in newest])

    def _sealed(self, report: Report) -> Seal:
        return Seal.of(report.plan, run=self.run, pull=self.pull.number)

    def _outdated(self, report: Report, before: dict[str, Seal]) -> bool:
        """A newer run has reported this commit already: runs may end in another order than they began in."""
        found = before.get(report.plan.app)
        return found is not None and found.run > self.run

    async def _seal(self, report: Report, notices: Sequence[str]) -> None:
        app = report.plan.app
        with self.told.step(f"the check of {app}"):
            shown = text.body(report, values=self.values, notices=notices, more=self.more, most=SEALED)
            sealing = Sealing(
                self._sealed(report),
                title=text.plainly(report),
                summary=shown,
                asks=bool(report.plan.held or notices),
                remarks=remarks_of(report.plan, report.prefix),
                url=self.run_url,
            )
            await self.forge.put_seal(self.pull.head, sealing)

    async def _comment(self, report: Report, mine: Sequence[Comment], notices: Sequence[str]) -> None:
        """The newest report of this app stays or gives way; others, which two jobs at a time can leave, always do."""
        found = [(mark, each) for each in mine if (mark := text.Mark.read(each.body)) and mark.app == report.plan.app]
        if text.nothing_to_say(report.plan) and not notices:
            for number, (_, comment) in enumerate(reversed(found)):
                if number == 0:
                    await self._edit(comment, text.struck(report))
                else:
                    await self._supersede(report, comment, "")
            return
        shown = text.current(report, text.body(report, values=self.values, notices=notices, more=self.more))
        kept = found[-1] if found else None
        if kept is not None and (self.mode == "update" or kept[0].digest == report.plan.changes_digest):
            await self._edit(kept[1], shown)
            current, old = kept[1], found[:-1]
        else:
            current, old = await self.forge.add_comment(self.pull.number, shown), found
        for _, comment in old:
            await self._supersede(report, comment, current.url)

    async def _edit(self, comment: Comment, body: str) -> None:
        if comment.body != body:
            await self.forge.edit_comment(comment, body)

    async def _supersede(self, report: Report, comment: Comment, newer: str) -> None:
        await self._edit(comment, text.superseded(report, newer))
        await self.forge.hide(comment)


def suspicious(paths: Sequence[str]) -> list[str]:
    """A sentence for the top of the report, if the pull request also changes what makes it."""
    found = sorted({path for path in paths if path in WATCHED or path.startswith(WATCHED[:2])})
    if not found:
        return []
    others = f" and {len(found) - 1} more," if len(found) > 1 else ""
    what = f"This pull request also changes {found[0]}{others} and with it what makes this report."
    return [f"{what} Read its files, and do not rely on what stands here."]

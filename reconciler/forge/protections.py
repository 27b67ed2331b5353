"""Which protections a repository lacks, on either forge."""

from __future__ import annotations

from reconciler.errors import ForgeError
from reconciler.forge import protections_github, protections_gitlab
from reconciler.forge.api import Patience, reach
from reconciler.forge.protecting import ENVIRONMENTS, Finding, Findings, Wanted, judge_files
from reconciler.forge.surroundings import Surroundings


async def protections(where: Surroundings, wanted: Wanted) -> list[Finding]:
    """Only reads. Raises ForgeError where the forge can't be asked at all, SecretError for an address that a token must
    not go to.
    """
    findings = Findings()
    judge_files(wanted, findings)
    look = protections_github.look if where.kind == "github" else protections_gitlab.look
    api = reach(where, Patience())
    try:
        await look(api, where.root, wanted, findings)
    except ForgeError as error:
        if error.status != 404:
            raise
        raise ForgeError(
            f"there is no repository {where.repository} that this token may see", hint=error.hint, status=404
        ) from error
    finally:
        await api.close()
    return findings.all


__all__ = ["ENVIRONMENTS", "Finding", "Wanted", "protections"]

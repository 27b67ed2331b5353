"""Which protections a repository lacks, on either forge."""

from __future__ import annotations

from typing import Final

from reconciler.errors import ForgeError
from reconciler.forge import protections_github, protections_gitlab
from reconciler.forge.api import Api, Patience
from reconciler.forge.protecting import ENVIRONMENTS, Finding, Findings, Wanted, judge_files
from reconciler.forge.surroundings import Surroundings

_GITHUB: Final = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}


async def protections(where: Surroundings, wanted: Wanted) -> list[Finding]:
    """Only reads. Raises ForgeError where the forge can't be asked at all, SecretError for an address that a token must
    not go to.
    """
    findings = Findings()
    judge_files(wanted, findings)
    github = where.kind == "github"
    headers = _GITHUB if github else {"job-token": where.token} if where.job_token else {}
    bearer = None if where.job_token else where.token
    api = Api(where.api, patience=Patience(), headers=headers, bearer=bearer, secret=where.token)
    try:
        look = protections_github.look if github else protections_gitlab.look
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

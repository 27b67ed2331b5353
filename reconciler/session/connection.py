"""The client for an app's tenant."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.gallery import load_profile
from reconciler.model.app import App
from reconciler.model.profile import Profile
from reconciler.session.settings import Settings

if TYPE_CHECKING:
    from reconciler.http import Client


@asynccontextmanager
async def connected(app: App, profile: Profile, root: Path, settings: Settings) -> AsyncIterator[Client]:
    """The client for an app's tenant. Hosts and references are checked before any secret is read."""
    from reconciler.http import Client
    from reconciler.live import limits_of
    from reconciler.session.identity import identity_of

    rate = profile.rate
    who = identity_of(app, root=root, environ=os.environ, outgoing=settings.outgoing())
    async with Client(
        app.tenant_url,
        bearer=who.bearer,
        oauth=who.oauth,
        tls=who.tls,
        scheme=profile.authentication.scheme,
        content_type=profile.content_type,
        limits=limits_of(rate),
        per_day=rate.per_day,
        concurrency=rate.concurrency,
        transport=settings.transport,
    ) as client:
        yield client


def profile_of(app: App) -> Profile:
    """The gallery's profile with the app's corrections."""
    return load_profile(app.gallery).corrected(app.profile)

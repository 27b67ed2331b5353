"""Microsoft Graph as a source: people, groups, members and who is assigned to an app.

`read` walks Graph's delta lists (`delta`, over `api`) into what is kept (`kept`); `draft_of` makes a draft of that.
"""

from __future__ import annotations

from reconciler.sources.graph.clouds import CLOUDS, Cloud
from reconciler.sources.graph.drafting import draft_of
from reconciler.sources.graph.kept import Kept, Scope
from reconciler.sources.graph.reading import Which, connected, read

__all__ = ["CLOUDS", "Cloud", "Kept", "Scope", "Which", "connected", "draft_of", "read"]

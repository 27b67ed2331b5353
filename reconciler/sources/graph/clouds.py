"""Microsoft's clouds: where each gives tokens, and where its Graph is.

Source: "Microsoft Graph national cloud deployments" in Microsoft's documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Cloud:
    """Base URLs, without a path. Tokens of one cloud are worth nothing in another."""

    login: str
    graph: str

    @property
    def base(self) -> str:
        return f"{self.graph}/v1.0"

    @property
    def scope(self) -> str:
        """All permissions that the client was given."""
        return f"{self.graph}/.default"

    def token_url(self, tenant: str) -> str:
        return f"{self.login}/{quote(tenant, safe='')}/oauth2/v2.0/token"


CLOUDS: Final = MappingProxyType(
    {
        "global": Cloud("https://login.microsoftonline.com", "https://graph.microsoft.com"),
        "usgov": Cloud("https://login.microsoftonline.us", "https://graph.microsoft.us"),
        "usgov-dod": Cloud("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
        "china": Cloud("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
    }
)
"""By name. `usgov` is GCC High (L4), `usgov-dod` the Department of Defense (L5); GCC is in `global`."""

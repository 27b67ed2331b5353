"""The files, the memory and the connection of each app, wired together: for commands and for the service."""

from reconciler.session.collecting import bulk, let_go
from reconciler.session.connection import connected, profile_of
from reconciler.session.memory import states_of
from reconciler.session.opened import Opened, memories, open_app, open_apps, projected
from reconciler.session.settings import Settings, load, root_of
from reconciler.session.sign_on import sign_on_of

__all__ = [
    "Opened", "Settings", "bulk", "connected", "let_go", "load", "memories", "open_app", "open_apps", "profile_of",
    "projected", "root_of", "sign_on_of", "states_of",
]  # fmt: skip

"""A SCIM 2.0 server to try things on: as an application of the gallery is described, or as the RFCs are written.

    sandbox = Sandbox("hootsuite", users=6)
    with running(sandbox) as url: ...           # a real socket
    httpx.ASGITransport(create_app(sandbox))    # none

It shares nothing with `live`: one's mistakes must not hide the other's.
"""

from reconciler.sandbox.app import BASE, HungUp, create_app
from reconciler.sandbox.faults import MEANINGS, Faults
from reconciler.sandbox.habits import HOOTSUITE, SCIM, Habits, habits_named, habits_of
from reconciler.sandbox.message import Answer, Call, Logged
from reconciler.sandbox.sandbox import ACTS_AS, Sandbox
from reconciler.sandbox.seed import DEFAULT_USERS
from reconciler.sandbox.server import running, serve

__all__ = [
    "ACTS_AS",
    "BASE",
    "DEFAULT_USERS",
    "HOOTSUITE",
    "MEANINGS",
    "SCIM",
    "Answer",
    "Call",
    "Faults",
    "Habits",
    "HungUp",
    "Logged",
    "Sandbox",
    "create_app",
    "habits_named",
    "habits_of",
    "running",
    "serve",
]

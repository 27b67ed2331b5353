"""SCIM (RFC 7643, RFC 7644) over http/: reading an application completely or failing, and writing to it.

`Reader` can't write and is what planning gets. `Writer` is made only in apply/. What answers mean is decided in
`judge`, what goes over the wire in `wire`, and how lists are walked in `paging`.
"""

from reconciler.live.bulk import Bulk, Operation, Request, Result
from reconciler.live.creation import Stored
from reconciler.live.discovery import discover
from reconciler.live.forms import Form, Writes
from reconciler.live.limits import limits_of
from reconciler.live.reader import Connection, Reader, place
from reconciler.live.records import member_ids
from reconciler.live.rows import carries, is_active, row
from reconciler.live.writer import Writer

__all__ = ["Bulk", "Connection", "Form", "Operation", "Reader", "Request", "Result", "Stored", "Writer", "Writes",
           "carries", "discover", "is_active", "limits_of", "member_ids", "place", "row"]  # fmt: skip

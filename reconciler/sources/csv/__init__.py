"""From a table of separated values, such as an HR export, to people."""

from __future__ import annotations

from reconciler.sources.csv.columns import Columns, Told, choose, recognized
from reconciler.sources.csv.encodings import named
from reconciler.sources.csv.people import Found, people_of
from reconciler.sources.csv.present import Described, described
from reconciler.sources.csv.refused import as_table
from reconciler.sources.csv.rows import Refusal
from reconciler.sources.csv.table import Table, open_table
from reconciler.sources.csv.told import of_file, of_options

__all__ = [
    "Columns",
    "Described",
    "Found",
    "Refusal",
    "Table",
    "Told",
    "as_table",
    "choose",
    "described",
    "named",
    "of_file",
    "of_options",
    "open_table",
    "people_of",
    "recognized",
]

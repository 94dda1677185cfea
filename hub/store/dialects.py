"""Where PostgreSQL calls something by another name than SQLite: statements are written in SQLite's.

There are as few of these as can be: everything else in a statement is SQL that both understand.
"""

from __future__ import annotations

import re

POSTGRESQL = "postgresql"

_SAID_OTHERWISE = (
    (re.compile(r"\binstr\("), "strpos("),
    (re.compile(r"\bjson_each\((:\w+)\)"), r"json_array_elements_text(CAST(\1 AS json))"),
)
"""The second one is for lists of texts; both call the column `value`."""


def spoken(sql: str, dialect: str) -> str:
    """The statement as this engine understands it."""
    if dialect == POSTGRESQL:
        for ours, theirs in _SAID_OTHERWISE:
            sql = ours.sub(theirs, sql)
    return sql

"""The tables, in SQL that SQLite and PostgreSQL both read.

The names are long so that a database which is used for something else as well loses nothing. `seq` is
unique: two offers made at once under a weaker isolation collide instead of sharing a place (ANSWER-8).
"""

from typing import Final

__all__ = ["CREATE", "DROP"]

DROP: Final = (
    "DROP TABLE IF EXISTS signalproof_pair",
    "DROP TABLE IF EXISTS signalproof_connection",
)

CREATE: Final = (
    """
    CREATE TABLE signalproof_connection (
        sid   TEXT NOT NULL PRIMARY KEY,
        login TEXT NOT NULL
    )
    """,
    "CREATE INDEX signalproof_connection_login ON signalproof_connection (login)",
    """
    CREATE TABLE signalproof_pair (
        sender     TEXT   NOT NULL,
        reciever   TEXT   NOT NULL,
        state      TEXT   NOT NULL CHECK (state IN ('offered', 'stable')),
        offered_on TEXT   NOT NULL,
        seq        BIGINT NOT NULL UNIQUE,
        PRIMARY KEY (sender, reciever)
    )
    """,
    "CREATE INDEX signalproof_pair_reciever ON signalproof_pair (reciever)",
)

"""The tables, in SQL that SQLite and PostgreSQL both read.

The names are long so that a database which is used for something else as well loses nothing. `seq` and
`answered_seq` are places in one order, that of all descriptions. They are unique: two offers made at once
under a weaker isolation collide instead of sharing a place (ANSWER-8).
"""

from __future__ import annotations

__all__ = ["CREATE", "DROP"]

DROP = (
    "DROP TABLE IF EXISTS signalproof_candidate",
    "DROP TABLE IF EXISTS signalproof_call",
    "DROP TABLE IF EXISTS signalproof_busy",
    "DROP TABLE IF EXISTS signalproof_pair",
    "DROP TABLE IF EXISTS signalproof_connection",
)

CREATE = (
    """
    CREATE TABLE signalproof_connection (
        sid    TEXT NOT NULL PRIMARY KEY,
        login  TEXT NOT NULL,
        posted BIGINT
    )
    """,
    "CREATE INDEX signalproof_connection_login ON signalproof_connection (login)",
    """
    CREATE TABLE signalproof_pair (
        sender        TEXT   NOT NULL,
        reciever      TEXT   NOT NULL,
        state         TEXT   NOT NULL CHECK (state IN ('offered', 'stable')),
        offered_on    TEXT   NOT NULL,
        seq           BIGINT NOT NULL UNIQUE,
        offer_id      TEXT   NOT NULL,
        superseded_id TEXT,
        answered_on   TEXT,
        answered_seq  BIGINT UNIQUE,
        PRIMARY KEY (sender, reciever)
    )
    """,
    "CREATE INDEX signalproof_pair_reciever ON signalproof_pair (reciever)",
    """
    CREATE TABLE signalproof_candidate (
        place   BIGINT           NOT NULL PRIMARY KEY,
        sid     TEXT             NOT NULL,
        peer    TEXT,
        awaited TEXT,
        ice     TEXT             NOT NULL,
        until   DOUBLE PRECISION NOT NULL
    )
    """,
    "CREATE INDEX signalproof_candidate_sid ON signalproof_candidate (sid)",
    "CREATE INDEX signalproof_candidate_awaited ON signalproof_candidate (awaited)",
    "CREATE INDEX signalproof_candidate_until ON signalproof_candidate (until)",
    """
    CREATE TABLE signalproof_call (
        caller  TEXT             NOT NULL,
        callee  TEXT             NOT NULL,
        state   TEXT             NOT NULL CHECK (state IN ('ringing', 'accepted')),
        expires DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (caller, callee)
    )
    """,
    "CREATE INDEX signalproof_call_callee ON signalproof_call (callee)",
    "CREATE TABLE signalproof_busy (login TEXT NOT NULL PRIMARY KEY)",
)

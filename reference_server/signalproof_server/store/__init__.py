"""Where the state lives: one protocol, one module per database."""

from __future__ import annotations

from signalproof_server.store.base import Store, Transaction
from signalproof_server.store.sqlite import SqliteStore

__all__ = ["SqliteStore", "Store", "Transaction"]

"""Where the state lives: one protocol, one module per database."""

from signalproof_server.store.base import Store, Transaction
from signalproof_server.store.sqlite import SqliteStore

__all__ = ["SqliteStore", "Store", "Transaction"]

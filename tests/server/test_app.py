"""The application as any ASGI server runs it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from signalproof_server.app import create_app
from signalproof_server.config import Settings


def test_it_lives_as_long_as_its_lifespan(tmp_path: Path) -> None:
    """The store is open from ASGI's start-up to its shutdown."""
    database = tmp_path / "state.sqlite3"
    app = create_app(Settings(database=str(database)))
    with TestClient(app) as client:
        assert client.get("/online").json() == {"status": 0, "payload": []}
        assert database.exists()
    assert TestClient(app).get("/online").status_code == 500


def test_a_start_that_fails_is_told(tmp_path: Path) -> None:
    """Whoever runs the application has to know that it does not."""
    app = create_app(Settings(database=str(tmp_path)))
    with pytest.raises(sqlite3.OperationalError), TestClient(app):
        pass

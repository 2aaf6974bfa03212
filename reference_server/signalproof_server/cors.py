"""Which pages may use the server: one list for both edges (HTTP-11)."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from signalproof_server.config import Settings

__all__ = ["with_cors"]


def with_cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Tell browsers that the operator's origins may read the replies, without credentials: no cookie takes part."""
    return CORSMiddleware(app, allow_origins=settings.cors_origins, allow_methods=("GET", "POST"), allow_headers=("*",))

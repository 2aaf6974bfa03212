"""Settings of one server process: frozen, complete, without reading the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Limits", "Settings", "TokenKey"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a client may send, and how long the server waits; see `published` for what clients are told."""

    description_bytes: int = 65_536
    """The longest description, in UTF-8 bytes (HTTP-8)."""
    body_bytes: int = 1_048_576
    """The longest body that is decoded (HTTP-9)."""
    login_code_points: int = 80
    """The longest login (LOGIN-3)."""
    candidate_bytes: int = 8_192
    """The longest candidate, in UTF-8 bytes (ICE-11)."""
    held_candidates: int = 64
    """The most early candidates that are held for a connection and login; 0: none are (ICE-4, ICE-5)."""
    held_seconds: int = 30
    """How long they are held."""
    ringing_seconds: int = 90
    """How long a call rings (CALL-11)."""
    discard_bytes: int = 67_108_864
    """How much of a body over the limit is read and thrown away, for clients that write before they read."""
    form_fields: int = 100
    """The most fields of a form."""

    def published(self) -> dict[str, int]:
        """Get what the discovery document says of them, by the names of the specification."""
        return {
            "description_bytes": self.description_bytes,
            "body_bytes": self.body_bytes,
            "login_code_points": self.login_code_points,
            "candidate_bytes": self.candidate_bytes,
            "held_candidates": self.held_candidates,
            "held_seconds": self.held_seconds if self.held_candidates else 0,
            "ringing_seconds": self.ringing_seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """What tokens are verified with: one key, and the one algorithm that it is for (AUTH-4)."""

    algorithm: Literal["HS256", "RS256", "ES256"]
    key: bytes = field(repr=False)
    """The secret, or the public key as PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an operator may choose."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free port."""
    database: str = ":memory:"
    """The file of the SQLite database, or `:memory:`. A file serves one process at a time."""
    cors_origins: tuple[str, ...] = ("*",)
    """The origins whose pages may use the server (HTTP-11)."""
    limits: Limits = field(default_factory=Limits)
    token_key: TokenKey | None = None
    """What tokens are verified with; None: anybody may have any login (profile `auth` off)."""
    root_path: str = ""
    """The path that everything is served below, such as `/api`: no slash at its end."""
    socket_url: str | None = None
    """Where the discovery document says that Socket.IO is; None: it says nothing."""
    ping_interval: float = 25
    """Seconds between two Engine.IO pings; announced in whole seconds, rounded up."""
    ping_timeout: float = 20
    """Seconds until a connection that does not answer a ping has gone."""
    log_level: str = "info"

"""Settings of one server process: frozen, complete, without reading the environment."""

from dataclasses import dataclass, field

__all__ = ["Limits", "Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a client may send; the first three are declared by the discovery document."""

    description_bytes: int = 65_536
    """The longest description, in UTF-8 bytes (HTTP-8)."""
    body_bytes: int = 1_048_576
    """The longest body that is decoded (HTTP-9)."""
    login_code_points: int = 80
    """The longest login (LOGIN-3)."""
    discard_bytes: int = 67_108_864
    """How much of a body over the limit is read and thrown away, for clients that write before they read."""
    form_fields: int = 100
    """The most fields of a form."""


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
    ping_interval: int = 25
    """Seconds between two Engine.IO pings; whole, because the open packet of python-engineio truncates it."""
    ping_timeout: int = 20
    """Seconds until a connection that does not answer a ping has gone."""
    log_level: str = "info"

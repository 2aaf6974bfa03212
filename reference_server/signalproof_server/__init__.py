"""Reference server of VCSP/1, the Video Chat Signalling Protocol: minimal, readable, correct."""

from __future__ import annotations

__all__ = ["PROTOCOL", "PROTOCOL_VERSION", "__version__"]

__version__ = "0.1.0"
PROTOCOL = "vcsp"
PROTOCOL_VERSION = "1.0"

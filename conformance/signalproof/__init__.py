"""Signalproof: the conformance test kit of VCSP/1, the Video Chat Signalling Protocol."""

from __future__ import annotations

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: that takes longer than all else that `--help` needs."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("signalproof")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0"

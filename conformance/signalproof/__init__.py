"""Signalproof: the conformance test kit of VCSP/1, the Video Chat Signalling Protocol."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("signalproof")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0"

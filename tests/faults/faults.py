"""All faults, by name."""

from __future__ import annotations

from importlib import import_module

from tests.faults.registry import FAULTS, Fault

__all__ = ["FAULTS", "Fault"]

TOPICS = """
    login offer answer order bodies endpoints media ice call presence correlation auth trackers sweeping frames
    names content slow
"""

for topic in TOPICS.split():
    import_module(f"tests.faults.{topic}")

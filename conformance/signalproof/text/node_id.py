"""Names of checks, out of the node ids of pytest such as `suite/test_offer.py::test_an_offer_arrives[json]`."""

from __future__ import annotations

from pathlib import PurePath

__all__ = ["case_of", "function_in_module", "function_of", "topic_of"]


def case_of(node_id: str) -> str:
    """Give a check's name with its parameter, as people read it: `test_an_offer_arrives[json]`."""
    return node_id.rpartition("::")[2]


def function_of(node_id: str) -> str:
    """Give a check's name without its parameter: `test_an_offer_arrives`."""
    return case_of(node_id).partition("[")[0]


def function_in_module(node_id: str) -> str:
    """Give a check's name without its parameter, after that of its module: `test_offer::test_an_offer_arrives`."""
    return f"{_module(node_id)}::{function_of(node_id)}"


def topic_of(node_id: str) -> str:
    """Give the topic of the specification that a check's module is about: `offer`."""
    return _module(node_id).removeprefix("test_")


def _module(node_id: str) -> str:
    return PurePath(node_id.partition("::")[0]).stem

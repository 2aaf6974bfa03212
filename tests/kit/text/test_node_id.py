"""Names of checks, out of node ids."""

from __future__ import annotations

import pytest

from signalproof.text.node_id import case_of, function_in_module, function_of, topic_of


@pytest.mark.parametrize("front", ["", "../kit/suite/"])
@pytest.mark.parametrize("parameter", ["", "[json]", "[a/b.c]"])
def test_each_name_is_a_part(front: str, parameter: str) -> None:
    """Wherever the kit is installed, and whatever the parameter is."""
    node_id = f"{front}test_offer.py::test_an_offer_arrives{parameter}"
    assert case_of(node_id) == f"test_an_offer_arrives{parameter}"
    assert function_of(node_id) == "test_an_offer_arrives"
    assert function_in_module(node_id) == "test_offer::test_an_offer_arrives"
    assert topic_of(node_id) == "offer"


def test_a_name_that_is_short_already_stays() -> None:
    """As people write it, and as the list of checks has it."""
    assert case_of("test_an_offer_arrives[json]") == "test_an_offer_arrives[json]"
    assert function_of("test_an_offer_arrives[json]") == "test_an_offer_arrives"
    assert case_of("test_offer::test_an_offer_arrives") == "test_an_offer_arrives"

"""Constants of loaded modules: none are drawn while the block runs, and all as ever after it."""

from __future__ import annotations

import pytest
from hypothesis.internal import constants_ast
from hypothesis.internal.conjecture import providers

from signalproof.scenes.local_constants import without_local_constants


def test_constants_are_left_out_for_as_long_as_the_block_runs() -> None:
    """The library is left as it was found."""
    before = providers._get_local_constants
    with without_local_constants() as note:
        assert note is None
        assert not list(providers._get_local_constants())
    assert providers._get_local_constants is before


@pytest.mark.parametrize(
    ("module", "name"), [(providers, "_get_local_constants"), (constants_ast, "Constants")], ids=["function", "class"]
)
def test_a_name_that_is_gone_is_done_without(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> None:
    """And said, with the version of the library."""
    monkeypatch.delattr(module, name)
    with without_local_constants() as note:
        assert note is not None
        assert note.startswith("Hypothesis 6.")
        assert name in note

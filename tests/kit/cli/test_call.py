"""`signalproof call`: who is to talk is looked at before anybody is rung."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from signalproof.cli import main

NAMES = {
    "empty": (("--from", ""), "--from is empty: a login has 1 to 80 characters (LOGIN-3)"),
    "control": (("--to", "wo\x07man"), "--to 'wo·man' holds a control character, which no login may (LOGIN-3)"),
    "line_end": (("--to", "woman\n"), "holds a control character"),
    "long": (("--to", "w" * 81), "--to has 81 characters: a login has 1 to 80 (LOGIN-3)"),
    "equal": (("--to", "man"), "--from and --to name the same user: a call needs two"),
}


@pytest.mark.parametrize(("options", "message"), NAMES.values(), ids=NAMES)
def test_a_name_that_cannot_be_called_is_explained(options: tuple[str, ...], message: str) -> None:
    """With the option and the reason, and without asking any server."""
    result = CliRunner().invoke(main, ["call", "http://127.0.0.1:9", *options])
    assert result.exit_code != 0
    assert message in result.output
    assert "\x07" not in result.output

"""Where the values of a TOML text stand."""

from __future__ import annotations

import pytest

from signalproof.text.toml_lines import line_of, statements

TOML = """\
# a comment
url = "x"

profiles = [
  "core",
  "ice",
]

[headers]
# another
X-One = '''
two
lines'''
X-Two = { env = "TWO" }

[[accounts]]
login = "a"

[[accounts]]
login = "b"
token.env = "B"

[trickle.ice]
[trickle . limits] # of one

[[rows]]
[[rows]]
[[rows.cells]]
# its own
y = 'x = 1'
x = 1
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("url",), 2),
        (("profiles",), 4),
        (("profiles", 1), 4),
        (("headers",), 9),
        (("headers", "X-One"), 11),
        (("headers", "X-Two", "env"), 14),
        (("accounts", 0), 16),
        (("accounts", 1, "login"), 20),
        (("accounts", 1, "token", "env"), 21),
        (("accounts", 1, "password"), 19),
        (("accounts",), 16),
        (("trickle", "limits"), 24),
        (("rows", 1, "cells", 0, "x"), 31),
        ((), 1),
    ],
)
def test_the_line_of_a_value_is_found(keys: tuple[str | int, ...], line: int) -> None:
    """Comments and empty lines in front do not belong to it; for what is missing, that of what should hold it."""
    assert line_of(list(statements(TOML)), keys) == line


def test_a_statement_ends_with_its_last_line() -> None:
    """With texts of several lines, whatever stands in them, and with the line ends of Windows."""
    text = 'a = """\r\n[[b]]\r\nc = 1\r\n"""\r\n\r\n# about b\r\n[[b]]\r\nc = [\r\n  1, # one\r\n]\r\n'
    found = [(one.table, dict(one.values), one.first_line, one.last_line) for one in statements(text)]
    assert found == [
        ((), {"a": "[[b]]\nc = 1\n"}, 1, 4),
        (("b", 0), {}, 7, 7),
        (("b", 0), {"c": [1]}, 8, 10),
    ]

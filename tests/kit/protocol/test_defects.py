"""Each defect is the only one: what it is made of is accepted, and what it makes is refused for it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from signalproof.protocol.defects import BODY_DEFECTS, OMIT, VALUE_DEFECTS, Altered
from signalproof.protocol.schemas import violation
from signalproof.protocol.wire import OFFER, Encoding, encode_body, offer_fields, session_description

SOUND = offer_fields("sid", "bob", session_description("offer", "marker"))
CONTENT = encode_body(SOUND, Encoding.JSON).content


def read(content: bytes) -> object:
    """Read a body as strictly as the specification does."""

    def refuse(constant: str) -> object:
        raise ValueError(constant)

    return json.loads(content.decode("utf-8"), parse_constant=refuse)


def test_what_defects_are_made_of_is_sound() -> None:
    """Or else something else could be what is refused."""
    assert violation(OFFER.request_schema, read(CONTENT), content=True) is None


@pytest.mark.parametrize("change", BODY_DEFECTS.values(), ids=BODY_DEFECTS)
def test_a_defect_of_a_body_makes_it_no_json_object(change: Callable[[bytes], bytes]) -> None:
    """HTTP-4."""
    try:
        found = read(change(CONTENT))
    except ValueError:
        return
    assert not isinstance(found, dict)


@pytest.mark.parametrize("field", SOUND)
@pytest.mark.parametrize("defect", VALUE_DEFECTS.values(), ids=VALUE_DEFECTS)
def test_a_defect_of_a_value_makes_it_no_string(defect: object, field: str) -> None:
    """HTTP-5: in that field, and in no other."""
    value = defect.change(SOUND[field]) if isinstance(defect, Altered) else defect
    wrong = {key: value if key == field else kept for key, kept in SOUND.items()}
    problem = violation(OFFER.request_schema, {key: kept for key, kept in wrong.items() if kept is not OMIT})
    assert problem is not None
    assert field in problem


def test_values_are_altered_and_not_replaced() -> None:
    """Whoever unwraps an array, or takes an object for its text, would have a sound request."""
    unwrapped = [defect.change("bob") for defect in VALUE_DEFECTS.values() if isinstance(defect, Altered)]
    assert unwrapped == [["bob"], {"value": "bob"}]
    decoded = [defect.change(SOUND["offer"]) for defect in VALUE_DEFECTS.values() if isinstance(defect, Altered)]
    assert decoded[1] == json.loads(str(SOUND["offer"]))

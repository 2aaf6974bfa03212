"""Files of baselines: what is read from them, and what is said of mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.kit.baselines import entry, load

from signalproof.errors import InvalidTarget
from signalproof.run.baseline import ListedAs

MISTAKES = {
    "not_toml": ("[[known", "is not TOML"),
    "empty_value": ("[[known]]\nrequirement =\n", "is not TOML"),
    "unknown_table": ("[[knwon]]\n", "'knwon' is unknown; a baseline has entries headed [[known]]"),
    "one_table": ("[known]\n", "head each entry with [[known]]"),
    "no_entries": ("known = 3\n", "head each entry with [[known]]"),
    "inline": ('known = [{requirement = "OFFER-4"}]\n', "head each entry with [[known]]"),
    "unknown_key": (f'{entry()}reasons = "x"\n', "line 5: 'reasons' is unknown; did you mean reason?"),
    "unknown_requirement": (entry("OFER-4"), "line 2: there is no requirement 'OFER-4'; did you mean OFFER-4?"),
    "case": (entry("offer-4"), "line 2: there is no requirement 'offer-4'; did you mean OFFER-4?"),
    "nonsense": (entry("???"), "line 2: there is no requirement '???'; `signalproof list` prints all"),
    "unknown_check": (entry(check="test_sids_are_fresh"), "line 3: there is no check 'test_sids_are_fresh'; did"),
    "no_requirement": ('[[known]]\noutcome = "fail"\nreason = "x"\n', "line 1: the entry has no requirement"),
    "outcome": (entry(outcome="failed"), "line 3: 'failed' is no outcome; did you mean fail?"),
    "no_outcome": ('[[known]]\nrequirement = "OFFER-4"\nreason = "x"\n', "line 1: the entry has no outcome"),
    "must_as_warning": (entry(outcome="warn"), "line 3: OFFER-4 is a MUST: write 'fail' or 'flaky'"),
    "should_as_failure": (entry("HTTP-14"), "line 3: HTTP-14 is a SHOULD: write 'warn' or 'flaky'"),
    "no_reason": ('[[known]]\nrequirement = "OFFER-4"\noutcome = "fail"\n', "the entry has no reason: say why"),
    "blank_reason": (entry(reason="  "), "line 4: the entry has no reason: say why"),
    "number": ('[[known]]\nrequirement = 4\n', "line 2: the entry has no requirement"),
    "twice": (entry() + entry(), "line 5: OFFER-4 stands there already, in line 1"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_explained(tmp_path: Path, text: str, message: str) -> None:
    """With the file, the line, and what may have been meant."""
    with pytest.raises(InvalidTarget) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)
    assert "known.toml" in str(caught.value)


def test_lines_are_found_past_comments_and_texts_of_several_lines(tmp_path: Path) -> None:
    """An entry ends with its last value; what looks like an entry inside a text is none."""
    reason = '"""\nIt trims.\n[[known]]\n"""'
    first = f'# head\n\n[[known]]\nrequirement = "OFFER-4"\noutcome = "flaky"\nreason = {reason}\n\n# about the next\n'
    one, other = load(tmp_path, first + entry("OFFER-3")).entries
    assert (one.line, one.last_line, other.line, other.last_line) == (3, 9, 12, 15)
    assert (one.listed_as, one.reason) == (ListedAs.FLAKY, "It trims.\n[[known]]")

"""Which message a breach is about, and what nobody needs to see."""

from __future__ import annotations

from signalproof.errors import NonConformance
from signalproof.judge.story import MOST_UP_TO, MOST_WITHOUT, Story, tell
from signalproof.judge.transcript import SERVER, Transcript

BEGAN = 123456.789


def transcript(*cases: str) -> Transcript:
    """Make a request and a reply for each case."""
    made = Transcript(began=BEGAN)
    for number, case in enumerate(cases):
        made.add("man", SERVER, "POST /offer", at=BEGAN + 2 * number, case=case)
        made.add(SERVER, "man", "HTTP 200", at=BEGAN + 2 * number + 1.1, case=case)
    return made


def breach(at: float | None, *requirements: str) -> NonConformance:
    """Make one that is about the message of a moment."""
    return NonConformance(*(requirements or ("OFFER-1",)), expected="a", received="b", at=at)


def reply(number: int) -> float:
    """Give the moment of a reply."""
    return BEGAN + 2 * number + 1.1


def folded(story: Story) -> list[str | int]:
    """Give the words of what is folded, and the number of messages of what is shown."""
    return [part.words or len(part.entries) for part in story.parts()]


def test_a_breach_marks_the_message_of_its_moment() -> None:
    """With what it breaks."""
    story = tell(transcript("", ""), [breach(reply(1), "OFFER-1", "HTTP-15")])
    assert story.places == (3,)
    assert [entry.mark for entry in story.entries] == ["", "", "", "breaks OFFER-1, HTTP-15"]


def test_breaches_of_one_message_share_its_mark() -> None:
    """Each requirement is named once; a SHOULD is not followed."""
    made = [breach(reply(0), "OFFER-1"), breach(reply(0), "OFFER-1", "HTTP-15"), breach(reply(1), "HTTP-14")]
    marks = [entry.mark for entry in tell(transcript("", ""), made).entries]
    assert marks == ["", "breaks OFFER-1, HTTP-15", "", "does not follow HTTP-14"]


def test_a_breach_of_another_moment_marks_nothing() -> None:
    """It belongs to another scene, or nothing came before it."""
    story = tell(transcript(""), [breach(BEGAN + 0.5), breach(None)])
    assert story.places == (None, None)
    assert not any(entry.mark for entry in story.entries)


def test_messages_are_told_in_the_order_of_their_times() -> None:
    """Also when one was recorded late."""
    made = Transcript(began=0.0)
    made.add(SERVER, "man", "second", at=0.002)
    made.add("man", SERVER, "first", at=0.001)
    assert [entry.text for entry in tell(made, []).entries] == ["first", "second"]


def test_what_came_after_the_first_breach_is_folded() -> None:
    """And it is said how much of it is marked too."""
    made = transcript("", "", "", "")
    assert folded(tell(made, [breach(reply(1))])) == [4, "4 later messages"]
    assert folded(tell(made, [breach(reply(1)), breach(reply(2))])) == [4, "4 later messages, 1 of them marked too"]


def test_one_message_is_shown_as_it_is() -> None:
    """To fold it would save nothing."""
    made = transcript("", "")
    made.note("man", "disconnected")
    assert folded(tell(made, [breach(reply(1))])) == [5]


def test_cases_that_passed_before_are_folded() -> None:
    """The preparations and the case of the breach are shown."""
    made = transcript("", "a", "b", "c", "c", "d")
    assert folded(tell(made, [breach(reply(4))])) == [2, "2 cases passed: 4 messages", 4, "2 later messages"]
    assert folded(tell(transcript("", "a", "b"), [breach(reply(2))])) == [2, "1 case passed: 2 messages", 2]


def test_a_case_that_broke_something_too_has_not_passed() -> None:
    """It is shown, although another breach is told first."""
    made = transcript("", "a", "b", "c")
    story = tell(made, [breach(reply(3)), breach(reply(2), "HTTP-15")])
    assert folded(story) == [2, "1 case passed: 2 messages", 4]


def test_a_long_way_to_the_breach_is_folded() -> None:
    """The last messages before it are shown."""
    made = transcript(*[""] * 40)
    story = tell(made, [breach(reply(39))])
    assert folded(story) == [f"{80 - MOST_UP_TO} earlier messages", MOST_UP_TO]


def test_without_a_breach_the_last_messages_are_shown() -> None:
    """A fault of the kit is about no message."""
    assert folded(tell(transcript(*[""] * 40), [])) == [f"{80 - MOST_WITHOUT} earlier messages", MOST_WITHOUT]
    assert folded(tell(transcript("a", "b"), [])) == [4]
    assert folded(tell(Transcript(), [])) == []


def test_the_parts_hold_every_message_once() -> None:
    """In their order, whatever is folded."""
    story = tell(transcript("", *"abcdefgh"), [breach(reply(6))])
    parts = story.parts()
    assert tuple(entry for part in parts for entry in part.entries) == story.entries
    assert [part.first for part in parts] == [0, 2, 12, 14]

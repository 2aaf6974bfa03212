"""Ladder diagrams."""

from __future__ import annotations

import pytest

from signalproof.errors import NonConformance
from signalproof.judge.ladder import MARK, ladder
from signalproof.judge.story import MOST_WITHOUT, tell
from signalproof.judge.transcript import SERVER, Transcript


def transcript(*entries: tuple[str, str, str]) -> Transcript:
    """Make messages that are a millisecond apart."""
    made = Transcript(began=100.0)
    for number, (source, destination, text) in enumerate(entries):
        made.add(source, destination, text, at=100 + number / 1000)
    return made


def drawn(*entries: tuple[str, str, str]) -> list[str]:
    """Draw messages of which none is guilty."""
    return ladder(tell(transcript(*entries), [])).splitlines()


def test_the_server_stands_between_the_first_participant_and_the_others() -> None:
    """Each arrow runs from the column of its source to that of its destination, with the time in front."""
    heading, request, event = drawn(("man", SERVER, "POST /offer"), (SERVER, "woman", "sender_offer"))
    assert heading.split() == ["ms", "man", "server", "woman"]
    man, server, woman = (heading.index(name) + len(name) // 2 for name in ("man", "server", "woman"))
    assert (request[man], request[server - 1], request[server], request[woman]) == ("├", "▶", "│", "│")
    assert (event[man], event[server], event[woman - 1], event[woman]) == ("│", "├", "▶", "│")
    assert request.split()[0] == "0"
    assert event.split()[0] == "1"
    assert " POST /offer " in request[man:server]
    assert " sender_offer " in event[server:woman]


def test_an_arrow_to_the_left_points_left() -> None:
    """A reply runs back from the server."""
    heading, _, reply = drawn(("man", SERVER, "POST /offer"), (SERVER, "man", "HTTP 200"))
    man, server = heading.index("man") + 1, heading.index("server") + 3
    assert (reply[man], reply[man + 1], reply[server]) == ("│", "◀", "┤")
    assert " HTTP 200 " in reply


@pytest.mark.parametrize("leftwards", [False, True])
def test_an_arrow_past_a_participant_crosses_its_lifeline(leftwards: bool) -> None:
    """The lifeline shows as a crossing, never hidden by the label."""
    ends = ("girl", SERVER) if leftwards else (SERVER, "girl")
    heading, *_, far = drawn(("man", SERVER, "a"), ("woman", SERVER, "b"), (*ends, "x" * 80))
    woman = heading.index("woman") + 2
    girl = heading.index("girl") + 2
    assert far[woman] == "┼"
    assert "…" in far
    assert (far[girl - 1 :], far[girl:]) == (("─┤", "┤") if leftwards else ("▶│", "│"))


def test_a_label_that_is_too_long_is_cut_inside_its_gap() -> None:
    """The ellipsis says so, and the arrow's ends stay visible."""
    heading, rung = drawn(("man", SERVER, "y" * 200))
    man, server = heading.index("man") + 1, heading.index("server") + 3
    assert rung[man + 1 : server - 1].strip("─ ").endswith("y…")
    assert rung[server - 1 :] == "▶│"


def test_a_note_stands_at_its_participant() -> None:
    """A dot in the column, then the words, whole."""
    words = "connectionState connected, and more words than any gap is wide"
    heading, _, note = drawn(("man", SERVER, "a"), ("man", "man", words))
    assert note[heading.index("man") + 1] == "●"
    assert note.endswith(f"● {words}")


def test_only_the_last_messages_of_a_long_check_are_drawn() -> None:
    """The first line says how many are missing; whoever appears only there has no column."""
    entries = [("early", SERVER, "hello"), *(("man", SERVER, f"number {i}") for i in range(60))]
    omitted, heading, *rungs = drawn(*entries)
    assert omitted == f"… {61 - len(rungs)} earlier messages"
    assert len(rungs) == MOST_WITHOUT
    assert heading.split() == ["ms", "man", "server"]
    assert f"number {60 - len(rungs)} " in rungs[0]
    assert "number 59 " in rungs[-1]


def test_five_columns_are_drawn_and_six_become_a_list() -> None:
    """A list names source and destination in every line."""
    people = ["one", "two", "three", "four", "five"]
    heading, *_ = drawn(*((name, SERVER, "login") for name in people[:4]))
    assert heading.split() == ["ms", "one", "server", "two", "three", "four"]
    lines = drawn(*((name, SERVER, "login") for name in people), ("five", "five", "a note"))
    assert [line.split(maxsplit=1)[1] for line in lines] == [
        *(f"{name} → server  login" for name in people),
        "five ●  a note",
    ]


def test_an_empty_transcript_is_no_error() -> None:
    """Nothing but a heading."""
    assert [line.split() for line in drawn()] == [["ms", "server"]]


def test_messages_are_redacted_before_they_are_drawn_and_cut() -> None:
    """So that no part of a secret is left at the end of a label."""
    made = Transcript(began=0.0)
    made.add("man", SERVER, f"{'x' * 20} secret", at=0.0, detail="sid=secret")
    drawing = ladder(tell(made, []), lambda text: text.replace("secret", "<s>"))
    assert f"{'x' * 20} <s> " in drawing
    assert drawing.endswith("  sid=<s>")
    assert "sec" not in drawing


def test_the_guilty_arrow_is_marked_before_and_behind() -> None:
    """With signs and words that a monochrome terminal shows and a screen reader says."""
    made = transcript(("man", SERVER, "POST /offer"), (SERVER, "woman", "sender_offer"))
    found = NonConformance("OFFER-4", expected="a", received="b", at=100 + 1 / 1000)
    heading, request, event = ladder(tell(made, [found])).splitlines()
    assert event.startswith(MARK)
    assert event.endswith("▶│  breaks OFFER-4")
    assert not request.startswith(MARK)
    assert event.index("▶") == heading.index("woman") + 1


def test_the_guilty_line_of_a_list_is_marked() -> None:
    """Where there are too many participants for a ladder."""
    made = transcript(*((f"man{number}", SERVER, "connects") for number in range(6)))
    made.note("man0", "disconnected")
    found = NonConformance("OFFER-4", expected="a", received="b", at=made.moment)
    *others, last = ladder(tell(made, [found])).splitlines()
    assert last.startswith(MARK)
    assert last.endswith("man0 ●  disconnected  breaks OFFER-4")
    assert not any(line.startswith(MARK) for line in others)


def test_what_is_unusual_about_a_message_stands_beside_it() -> None:
    """Where there is room for it, behind all columns."""
    made = transcript(("man", SERVER, "connects"), ("woman", SERVER, "connects"))
    made.add("man", SERVER, "POST /offer", at=101, detail="reciever_login=7, 8,388,608 bytes")
    assert ladder(tell(made, [])).endswith("│  reciever_login=7, 8,388,608 bytes")


def test_what_is_folded_has_a_line() -> None:
    """In its place, with how much it is."""
    made = transcript(("man", SERVER, "connects"), *[(SERVER, "man", "HTTP 200")] * 4)
    found = NonConformance("OFFER-4", expected="a", received="b", at=100 + 2 / 1000)
    assert ladder(tell(made, [found])).splitlines()[-1].strip() == "… 2 later messages"

"""What is kept of the messages of a check."""

from __future__ import annotations

from signalproof.judge.transcript import CONTENT, SERVER, Channel, Transcript


def test_only_the_beginning_of_a_long_message_is_kept() -> None:
    """A run holds thousands of them, some of megabytes."""
    transcript = Transcript()
    transcript.add("man", SERVER, "POST /offer", channel=Channel.HTTP, content=b"x" * 1_000_000)
    (entry,) = transcript.entries
    assert len(entry.content) == CONTENT


def test_a_message_knows_its_case() -> None:
    """That of the task, unless it is an event, which another task takes."""
    transcript = Transcript(case=lambda: "empty")
    transcript.add("man", SERVER, "POST /offer")
    transcript.add(SERVER, "woman", "sender_offer", case="")
    assert [entry.case for entry in transcript.entries] == ["empty", ""]


def test_the_moment_is_that_of_the_last_thing_that_came() -> None:
    """Or that happened: what is only asked breaks nothing."""
    transcript = Transcript()
    moments = [transcript.moment]
    transcript.add(SERVER, "man", "HTTP 200", at=7.25)
    transcript.add("woman", SERVER, "POST /offer", at=8.5)
    moments.append(transcript.moment)
    noted = transcript.note("woman", "disconnected")
    assert [*moments, transcript.moment] == [None, 7.25, noted]


def test_a_closed_transcript_takes_nothing() -> None:
    """What comes after the verdict is nobody's."""
    transcript = Transcript(closed=True)
    transcript.add(SERVER, "man", "HTTP 200")
    assert transcript.entries == []
    assert transcript.moment is None


def test_what_is_unusual_stands_behind_what_it_was() -> None:
    """Where there is one text for both."""
    transcript = Transcript()
    transcript.add("man", SERVER, "POST /offer", detail="no sid")
    transcript.add("man", SERVER, "POST /offer")
    assert [entry.whole for entry in transcript.entries] == ["POST /offer · no sid", "POST /offer"]

"""A list of who is online is held against all that the run knows."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from signalproof.judge.attendance import Attendance


@dataclass(eq=False)
class Device:
    """A connection that is there."""

    login: str
    check: int = 1
    live: bool = True
    live_since: float = 0.0
    lost: str = ""
    name: str = "man"


@pytest.fixture
def attendance() -> Attendance:
    """Two users of this check, one of another, and one who has left."""
    found = Attendance()
    gone = Device("gone", live=False)
    for device in (Device("man"), Device("woman"), Device("girl", check=2), gone):
        found.came(device)
    found.left(gone, 1.0)
    return found


def broken(attendance: Attendance, *listed: str, asked_at: float = 10.0) -> list[tuple[str, str]]:
    """Give what a list breaks, and how."""
    found = attendance.breaches(listed, asked_at=asked_at, lag=0.5, check=1)
    return [(one.requirements[0], one.received) for one in found]


def test_a_right_list_breaks_nothing(attendance: Attendance) -> None:
    """Whoever else is on it."""
    assert broken(attendance, "man", "woman", "girl", "foreigner") == []


def test_whoever_is_here_is_listed(attendance: Attendance) -> None:
    """Of other checks too."""
    assert broken(attendance, "man") == [
        ("PRES-1", "1 of the users of this check and 1 of the users of other checks missing")
    ]


def test_whoever_has_left_is_not(attendance: Attendance) -> None:
    """At the latest a second later, and as much as it may lag."""
    everybody = ("man", "woman", "girl", "gone")
    assert broken(attendance, *everybody) == [("PRES-2", "1 of the users of this check still listed")]
    assert broken(attendance, *everybody, asked_at=2.4) == []


def test_whoever_has_only_just_come_may_be_missing(attendance: Attendance) -> None:
    """For a second."""
    attendance.came(Device("boy", live_since=9.0))
    assert broken(attendance, "man", "woman", "girl") == []
    assert broken(attendance, "man", "woman", "girl", asked_at=10.1)


def test_a_second_device_keeps_a_user_on_the_list(attendance: Attendance) -> None:
    """PRES-4."""
    phone, tablet = Device("lady", live=False), Device("lady")
    attendance.came(phone)
    attendance.came(tablet)
    attendance.left(phone, 1.0)
    assert broken(attendance, "man", "woman", "girl") == [
        ("PRES-4", "1 of the users of this check missing, with a live connection left")
    ]
    assert broken(attendance, "man", "woman", "girl", "lady") == []


def test_where_others_may_have_connections_nobody_is_a_ghost(attendance: Attendance) -> None:
    """Such as the visitors of a moment."""
    attendance.elsewhere.add("gone")
    assert broken(attendance, "man", "woman", "girl", "gone") == []

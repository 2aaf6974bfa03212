"""Session descriptions and candidates as browsers and mobile libraries send them, with the marker's place in them.

What Chromium 156, Firefox 153 and aiortc sent (with other credentials) is in `browser_sdp/`, beside what Safari, mobile
and old clients send by their public formats; the rest is composed of these. A server forwards all of it, whatever it
makes of it: editing a description by a regular expression breaks calls of those whose description it was not tried on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from signalproof.protocol.wire import DESCRIPTION_BYTES

__all__ = ["CANDIDATES", "MARKER", "NAMESAKES", "PRANSWER", "RESERVED", "ROLLBACK", "descriptions"]

MARKER = "<marker>"
"""Where the marker belongs in a text."""
LONGEST_MARKER = 24
"""Characters that a marker may have."""
FOLDER = Path(__file__).with_name("browser_sdp")
LINES, SECTIONS = 1_500, 24
"""Lines of the longest description, as a room with a video section for each guest has, and sections of a wide one."""

NAMESAKES = ("__proto__", "constructor", "toString")
"""Logins that every object of JavaScript has an entry for."""
RESERVED = ("hasOwnProperty", "valueOf", "isPrototypeOf", "__defineGetter__", "__lookupSetter__", "__class__")
"""More of them: nobody ever logs in as one of these, lest two runs at once meet."""

# ── descriptions ───────────────────────────────────────────────────────────────────────────────


def _read(path: Path) -> list[str]:
    """Give the lines of a description, with the marker as the name of its session (RFC 8866, section 5.3)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[lines.index("s=-")] = f"s={MARKER}"
    return lines


def _described(sdp: str, kind: str = "offer") -> str:
    """Give the JSON text of a description, as `JSON.stringify` makes it."""
    return json.dumps({"type": kind, "sdp": sdp}, separators=(",", ":"), ensure_ascii=False)


def _whole(lines: list[str], end: str = "\r\n") -> str:
    return end.join([*lines, ""])


def _sections(lines: list[str]) -> list[list[str]]:
    """Part a description into its head and its media sections."""
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    return [lines[start:end] for start, end in zip([0, *starts], [*starts, len(lines)], strict=True)]


def _repeated(lines: list[str], sections: list[list[str]]) -> list[str]:
    """Give a description with the head of this one and these media sections, each under a number of its own."""
    numbers = " ".join(map(str, range(len(sections))))
    head = [f"a=group:BUNDLE {numbers}" if line.startswith("a=group:BUNDLE") else line for line in _sections(lines)[0]]
    numbered = [
        [f"a=mid:{number}" if line.startswith("a=mid:") else line for line in section]
        for number, section in enumerate(sections)
    ]
    return [*head, *(line for section in numbered for line in section)]


def _room(lines: list[str]) -> list[str]:
    """Give a description of `LINES` lines that every server takes: one video section for each of many guests."""
    video = next(section for section in _sections(lines) if section[0].startswith("m=video"))
    many = _repeated(lines, [video] * (LINES // len(video) + 1))[:LINES]
    while len(_described(_whole(many)).encode()) > DESCRIPTION_BYTES - LONGEST_MARKER:
        longest = max(range(len(many)), key=lambda number: len(many[number]))
        many[longest] = "a=rtcp-rsize"
    return many


@cache
def descriptions() -> Mapping[str, str]:
    """Give the JSON texts of whole descriptions, all with the type `offer`, by what they are."""
    read = {path.stem: _read(path) for path in sorted(FOLDER.glob("*.sdp"))}
    chromium, firefox = read["chromium_offer"], read["firefox_offer"]
    texts = {name: _described(_whole(lines)) for name, lines in read.items()}
    wide = _repeated(read["chromium_answer"], (_sections(read["chromium_answer"])[1:] * SECTIONS)[:SECTIONS])
    texts["sdp_before_type"] = json.dumps({"sdp": _whole(firefox), "type": "offer"}, separators=(",", ":"))
    texts["indented"] = json.dumps({"type": "offer", "sdp": _whole(read["simulcast_offer"])}, indent=2)
    texts["with_more_members"] = json.dumps(
        {"type": "offer", "sdp": _whole(read["aiortc_offer"]), "toJSON": {}, "restart": False, "streams": [{"id": "a"}]}
    )
    texts["lines_end_with_lf"] = _described(_whole(firefox, "\n"))
    texts["without_last_line_end"] = _described(_whole(chromium).rstrip())
    texts["lines_that_repeat"] = _described(_whole([*read["mobile_offer"], *read["mobile_offer"][-9:], "", "a= "]))
    texts["24_media_sections"] = _described(_whole(wide))
    texts["1500_lines"] = _described(_whole(_room(chromium)))
    return texts


PRANSWER = _described(f"v=0\r\no=- 7 3 IN IP4 127.0.0.1\r\ns={MARKER}\r\nt=0 0\r\n", "pranswer")
"""A provisional answer, which a server that looks at types may refuse (HTTP-8)."""
ROLLBACK = _described("", "rollback")
"""What takes an offer back locally, which a server that looks at types may refuse (HTTP-8); it has no marker."""

# ── candidates ─────────────────────────────────────────────────────────────────────────────────

_MDNS = "6a2d5b4c-0c6f-4fae-9d4c-3f4b2a1f0e9d.local"
_LINES = {
    "host": "candidate:1 1 UDP 2122252543 192.0.2.7 56034 typ host",
    "second_component": "candidate:1 2 UDP 2122252542 192.0.2.7 56035 typ host",
    "private_address": "candidate:2999745851 1 udp 2122260223 192.168.56.1 58779 typ host generation 0 network-id 2",
    "loopback": "candidate:1510613869 1 udp 2122129151 127.0.0.1 38911 typ host generation 0 network-id 1",
    "ipv6": "candidate:2 1 udp 2122265343 2001:db8::2 58113 typ host generation 0 ufrag cHzO network-id 2",
    "ipv6_with_zone": "candidate:3 1 udp 2122063611 fe80::1c2d:3eff:fe4f:5a6b%rmnet0 42318 typ host",
    "mdns": f"candidate:1467250027 1 udp 2122260223 {_MDNS} 46243 typ host generation 0 ufrag ZXan network-cost 999",
    "tcp_active": "candidate:435653019 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active generation 0 network-id 1",
    "tcp_passive": "candidate:435653020 1 TCP 2105524479 192.0.2.7 49180 typ host tcptype passive",
    "tcp_so": "candidate:435653021 1 TCP 2105458943 192.0.2.7 49181 typ host tcptype so",
    "srflx": "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.5 rport 46154 generation 0",
    "srflx_hidden": "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0",
    "prflx": "candidate:993382815 1 udp 1845501439 203.0.113.8 50005 typ prflx raddr 10.0.0.5 rport 46154",
    "relay": "candidate:2617313229 1 udp 41885439 198.51.100.20 50422 typ relay raddr 203.0.113.7 rport 46154",
    "relay_over_tls": "candidate:361731322 1 udp 8331263 198.51.100.21 52100 typ relay raddr 0.0.0.0 rport 0 ufrag b+/",
    "long_tail": "candidate:1213688197 1 udp 2122260223 192.0.2.7 50083 typ host generation 0 ufrag fmaL network-id 1 "
    "network-cost 50",
}


def _candidate(line: str, **members: object) -> str:
    """Give the JSON text of a candidate as `RTCIceCandidate.toJSON()` makes it; `members` differ from the usual."""
    usual = {"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": MARKER}
    return json.dumps({**usual, **members}, separators=(",", ":"))


_HOST = _LINES["host"]
_RELAY = _LINES["relay"]
CANDIDATES: Mapping[str, str] = {
    **{name: _candidate(line) for name, line in _LINES.items()},
    "index_1": _candidate(_HOST, sdpMid="1", sdpMLineIndex=1),
    "index_2": _candidate(_RELAY, sdpMid="video", sdpMLineIndex=2),
    "index_23": _candidate(_HOST, sdpMid="23", sdpMLineIndex=23),
    "mid_only": _candidate(_HOST, sdpMid="data", sdpMLineIndex=None),
    "index_only": _candidate(_HOST, sdpMid=None, sdpMLineIndex=1),
    "neither_mid_nor_index": json.dumps({"candidate": f"{_HOST} ufrag {MARKER}"}),
    "attribute_in_front": _candidate(f"a={_HOST}"),
    "line_end_behind": _candidate(f"a={_RELAY}\r\n"),
    "with_url": _candidate(_RELAY, url="turns:turn.example.org:443?transport=tcp", relayProtocol="tls"),
    "with_parts": _candidate(_HOST, foundation="1", component="rtp", protocol="udp", priority=2122252543, type="host"),
    "of_an_app": json.dumps({"type": "candidate", "label": 1, "id": "video", "candidate": f"{_HOST} ufrag {MARKER}"}),
    "nested": json.dumps({"type": "candidate", "candidate": json.loads(_candidate(_RELAY))}),
    "several": f"[{_candidate(_HOST)},{_candidate(_RELAY, sdpMLineIndex=1)}]",
    "last_of_section_0": _candidate(""),
    "last_of_section_1": _candidate("", sdpMid="1", sdpMLineIndex=1),
    "last_of_section_2": _candidate("", sdpMid="2", sdpMLineIndex=2),
    "end_of_candidates": _candidate("a=end-of-candidates"),
    "completed": '{"completed":true}',
    "null": "null",
    "null_in_an_object": '{"candidate":null}',
    "empty_object": "{}",
    "empty": "",
}
"""The texts of candidates, by what they are; some have no place for a marker."""

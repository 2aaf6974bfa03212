"""The corpus of descriptions and candidates: every server takes each of them, and what it has to hold is in it."""

from __future__ import annotations

import json

import pytest

from signalproof.protocol.samples import CANDIDATES, MARKER, descriptions
from signalproof.protocol.wire import CANDIDATE_BYTES, DESCRIPTION_BYTES

MARKER_BYTES = len("sp-abcd-0000123")


def test_every_server_has_to_take_every_description() -> None:
    """JSON text with `type` and `sdp`, within the limit as offer and as answer, and with the place of one marker."""
    for name, text in descriptions().items():
        description = json.loads(text)
        assert description["type"] == "offer", name
        assert description["sdp"].startswith("v=0"), name
        assert text.count(MARKER) == 1, name
        assert text.count('"offer"') == 1, name
        assert len(text.encode()) + MARKER_BYTES <= DESCRIPTION_BYTES, name


@pytest.mark.parametrize(
    "line",
    [
        ".local ", " tcp ", "typ relay", "typ srflx", "typ prflx", "tcptype passive", "%rmnet0", "IN IP6",
        "a=extmap-allow-mixed", "a=rid:", "a=simulcast:", "useinbandfec=1", " DTLS/SCTP 5000", "UDP/DTLS/SCTP",
        "a=group:BUNDLE", "a=ssrc-group:SIM", "a=ssrc-group:FID", "red/48000", "ulpfec", "flexfec", "rtx/90000",
        "AV1/90000", "H264/90000", "H265/90000", "a=bundle-only", "a=ice-lite", "a=crypto:", "m=video 0 ", "b=AS:",
    ],
)  # fmt: skip
def test_what_servers_have_edited_is_in_it(line: str) -> None:
    """Each line that some server was seen to delete or rewrite is in one description at least."""
    assert any(line in json.loads(text)["sdp"] for text in descriptions().values())


def test_it_reaches_the_sizes_at_which_servers_cut_and_refuse() -> None:
    """200, 400 and 1,500 lines, LF in place of CRLF, and a last line without an end."""
    sdps = {name: json.loads(text)["sdp"] for name, text in descriptions().items()}
    assert sdps["1500_lines"].count("\r\n") == 1_500
    assert sdps["24_media_sections"].count("\r\nm=") == 24
    assert "\r" not in sdps["lines_end_with_lf"]
    assert not sdps["without_last_line_end"].endswith("\n")
    assert min(sdp.count("\n") for sdp in sdps.values()) < 20


def test_candidates_are_short_enough_and_of_every_kind() -> None:
    """Each is within the limit; sections above 0, transports, types and the ends of candidates are among them."""
    assert all(len(text.encode()) + MARKER_BYTES <= CANDIDATE_BYTES for text in CANDIDATES.values())
    assert len(set(CANDIDATES.values())) == len(CANDIDATES)
    everything = "\n".join(CANDIDATES.values())
    for part in ('"sdpMLineIndex":23', '"sdpMLineIndex":null', '"sdpMid":null', "a=candidate:", "null", '"completed"'):
        assert part in everything
    for kind in ("host", "srflx", "prflx", "relay"):
        assert f"typ {kind}" in everything

"""Schemathesis makes requests of the OpenAPI document, good and bad ones, and the reference server keeps its word."""

from __future__ import annotations

import asyncio
import copy
import json
import sys
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp
from tests.server.conftest import Stage, play, serving
from tests.traffic import OPENAPI, Tap, census, judge, judge_frames

from signalproof_server.app import Assembly
from signalproof_server.http import HttpEdge
from signalproof_server.service import Service
from signalproof_server.values import Reply
from signalproof_server.wire import Decoder

EXAMPLES = 20
"""How many requests are generated for an endpoint, beside the systematic ones."""
PATIENT = 120
"""Seconds after which a run that should have ended is killed."""
LOGINS = ("alice", "bob", "carol")
OPTIONS = (
    "--exclude-checks=negative_data_rejection",  # unknown fields are ignored (HTTP-6), refusals may come with 200
    "--phases=coverage,fuzzing",
    f"--max-examples={EXAMPLES}",
    "--seed=1",
    "--no-shrink",
    "--no-color",
    "--warnings=off",
)


def populated(sids: list[str]) -> dict[str, Any]:
    """Return the document with users in it, so that requests get further than to an unknown sid."""
    document: dict[str, Any] = copy.deepcopy(OPENAPI)
    schemas = document["components"]["schemas"]
    for name, values in (
        ("Sid", sids),
        ("Login", LOGINS),
        ("EncodedOffer", [json.dumps({"type": "offer", "sdp": f"v=0\r\ns={number}\r\n"}) for number in range(3)]),
        ("EncodedAnswer", [json.dumps({"type": "answer", "sdp": f"v=0\r\ns={number}\r\n"}) for number in range(3)]),
    ):
        schemas[name] = {"type": "string", "enum": list(values)}
    for operation in (operation for item in document["paths"].values() for operation in item.values()):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            del content["examples"]  # they are of users who are not here
    return document


def fuzz(url: str, folder: Path, *options: str) -> tuple[int, str]:
    """Run Schemathesis while three users are connected; give its exit code and what it prints."""
    result: list[tuple[int, str]] = []

    async def scene(stage: Stage) -> None:
        async with stage.user("alice") as alice, stage.user("bob") as bob, stage.user("carol") as carol:
            path = folder / "openapi.json"
            path.write_text(json.dumps(populated([alice.sid, bob.sid, carol.sid])), encoding="utf-8")
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "schemathesis.cli", "run", str(path), f"--url={url}", *OPTIONS, *options),
                cwd=folder,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            try:
                async with asyncio.timeout(PATIENT):
                    output, _ = await process.communicate()
            except TimeoutError:
                process.kill()
                await process.wait()
                raise
            result.append((process.returncode or 0, output.decode()))

    play(url, scene)
    return result[0]


def test_the_reference_server_keeps_the_openapi_document(tmp_path: Path) -> None:
    """No finding of Schemathesis, and none of ours in what went over the wire meanwhile."""
    tap = Tap()
    with serving(tap.assembly()) as server:
        code, output = fuzz(server.url, tmp_path)
    assert code == 0, output
    assert [complaint for exchange in tap.exchanges for complaint in judge(exchange)] == []
    assert list(judge_frames(tap.frames)) == []
    counted = census(tap)
    assert counted.total() > 8 * EXAMPLES
    for path in ("/offer", "/call", "/status"):
        assert counted[f"accepted {path} application/json"], counted
    assert counted["sender_offer"], counted
    assert counted["calling"], counted


class SaysOk(Assembly):
    """A server whose `status` is a word."""

    def http(self, service: Service) -> ASGIApp:
        """Change every reply to a POST."""

        class Edge(HttpEdge):
            async def post(self, request: Request, decode: Decoder) -> Reply:
                """Say something that nobody has published."""
                return Reply(body={"status": "ok"})

        return Edge(service, self.settings, self.log).asgi()


def test_a_server_that_breaks_the_document_is_found(tmp_path: Path) -> None:
    """Otherwise the test above would prove nothing."""
    with serving(SaysOk) as server:
        code, output = fuzz(server.url, tmp_path, "--include-path=/call", "--phases=fuzzing")
    assert code == 1, output
    assert '"ok" is not of type "integer"' in output

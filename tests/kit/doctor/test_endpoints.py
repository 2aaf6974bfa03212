"""Which endpoints there are: told by how they answer, and proposed as profiles where no document claims them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from aiohttp import web
from tests.kit.doctor.test_doctor import diagnose, served, target_at

from signalproof.doctor import Mark
from signalproof.doctor.endpoints import found, profiles_of, proposal
from signalproof.net.http import Http

CALL = ("/call", "/decline", "/status", "/refresh")
Handler = Callable[[web.BaseRequest], web.StreamResponse]


def having(*paths: str, status: int = 200, missing: int = 404) -> Handler:
    """Refuse nobody's sid below these paths, and know no other; `/online` is a list."""

    def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/online" and request.path in paths:
            return web.json_response({"status": 0, "payload": []})
        if request.path in paths:
            return web.json_response({"status": 1, "message": "Who?", "code": "unknown_sid"}, status=status)
        return web.Response(status=missing, text="<html>Nothing here</html>", content_type="text/html")

    return answer


def there(handler: Handler) -> tuple[set[str], str | None]:
    """Give the endpoints that are found, and what is proposed."""

    async def look() -> tuple[set[str], str | None]:
        async with served(handler) as url:
            target = replace(target_at(url), profiles=("core",))
            http = Http(target)
            try:
                answers = await found(http, None)
                return {name for name, answer in answers.items() if answer}, await proposal(target, http, None)
            finally:
                await http.close()

    return asyncio.run(look())


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500])
def test_an_endpoint_is_told_by_its_answer(status: int) -> None:
    """Whatever its status: an unknown sid may be refused with 404 too."""
    answers, _ = there(having("/offer", "/ice", "/online", status=status))
    assert answers == {"POST /ice", "GET /online"}


@pytest.mark.parametrize("missing", [200, 401, 404, 405, 500])
def test_a_path_that_is_unknown_is_no_endpoint(missing: int) -> None:
    """Also where a web site answers every path alike."""
    answers, proposed = there(having("/offer", missing=missing))
    assert answers == set()
    assert proposed is None


def test_profiles_are_proposed_whole() -> None:
    """Ringing has four endpoints, and three of them are not enough."""
    _, proposed = there(having("/offer", "/ice", "/online", *CALL[1:]))
    assert proposed == "endpoints of ice, presence answer too: --profiles core,ice,presence checks them"
    assert profiles_of({f"POST {path}": True for path in CALL}) == ("call",)


def test_the_doctor_names_the_endpoints() -> None:
    """And the profiles that they make."""
    seen = diagnose(having("/offer", "/ice"))["endpoints"]
    assert seen.mark is Mark.NOTE
    assert seen.seen == "POST /offer, POST /ice answer"
    assert seen.advice == "--profiles core,ice checks ice too."


def test_the_doctor_misses_what_is_claimed() -> None:
    """With the profile that needs it."""
    plain = having("/offer", "/call", "/decline", "/status")

    def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path.endswith("vcsp"):
            document = {"protocol": "vcsp", "version": "1.0", "profiles": ["core", "ice", "call"], "limits": {}}
            return web.json_response(document)
        return plain(request)

    seen = diagnose(answer)["endpoints"]
    assert seen.mark is Mark.NOTE
    assert "there is no POST /ice, no POST /refresh" in seen.seen
    assert "profile ice and call needs" in seen.advice

"""The way out for effects: ordered, and not stopped by one that fails."""

from __future__ import annotations

import asyncio
import io
import json

from signalproof_server.delivery import LocalOutbox
from signalproof_server.log import make_logger
from signalproof_server.values import Emit


def effect(name: str) -> Emit:
    """Write an effect in one word."""
    return Emit(sid="secret-sid", event=name, payload={"text": "secret-text"})


async def give_way() -> None:
    """Let everything else that is ready run once."""
    turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turn.set_result, None)
    await turn


def test_effects_go_out_in_the_order_of_publishing() -> None:
    """ORDER-1."""
    seen: list[str] = []

    async def emit(one: Emit) -> None:
        # The earlier the effect, the more often it gives way.
        for _ in range(10 - int(one.event)):
            await give_way()
        seen.append(one.event)

    async def story() -> None:
        outbox = LocalOutbox(emit, make_logger("error", io.StringIO()))
        await outbox.start()
        first = outbox.publish([effect("0"), effect("1")])
        second = outbox.publish([effect("2")])
        await second
        assert seen == ["0", "1", "2"]
        await first
        outbox.publish([effect("3")])
        await outbox.close()
        await outbox.close()
        assert seen == ["0", "1", "2", "3"]
        await outbox.publish([effect("4")])

    asyncio.run(story())
    assert seen == ["0", "1", "2", "3"]


def test_a_failing_emit_is_logged_and_holds_nobody_up() -> None:
    """The log names the kind of failure, not the data."""
    seen: list[str] = []
    log = io.StringIO()

    async def emit(one: Emit) -> None:
        if one.event == "bad":
            raise OSError(one.sid, one.payload)
        seen.append(one.event)

    async def story() -> None:
        outbox = LocalOutbox(emit, make_logger("info", log))
        await outbox.start()
        await outbox.publish([effect("bad"), effect("good")])
        await outbox.close()

    asyncio.run(story())
    assert seen == ["good"]
    (line,) = log.getvalue().splitlines()
    assert json.loads(line)["error"] == "OSError"
    assert "secret" not in line


def test_a_cancelled_request_does_not_stop_the_worker() -> None:
    """A client that hangs up costs the others nothing."""
    seen: list[str] = []
    go_on = asyncio.Event()

    async def emit(one: Emit) -> None:
        await go_on.wait()
        seen.append(one.event)

    async def story() -> None:
        outbox = LocalOutbox(emit, make_logger("error", io.StringIO()))
        await outbox.start()
        waiting = asyncio.ensure_future(outbox.publish([effect("1")]))
        await give_way()
        waiting.cancel()
        go_on.set()
        await outbox.publish([effect("2")])
        await outbox.close()

    asyncio.run(story())
    assert seen == ["1", "2"]

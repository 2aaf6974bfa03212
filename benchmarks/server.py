"""Measures the reference server: processor time of an offer, and memory of an idle WebSocket; Linux only.

Run it with `.venv/bin/python benchmarks/server.py [--offers N] [--sockets N] [-- SERVER OPTIONS]`. Offers go
from alice to bob, each on one WebSocket, on 16 connections at a time; the median of three rounds counts. The idle
WebSockets have logged in.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from websockets.asyncio.client import ClientConnection, connect

PACKAGES = Path(__file__).resolve().parents[1] / "reference_server"
AT_ONCE = 16
TICK = os.sysconf("SC_CLK_TCK")
DESCRIPTION = json.dumps({"type": "offer", "sdp": "v=0\r\n" + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 40})


def _processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _resident_kib(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


async def _log_in(socket: ClientConnection, login: str) -> str:
    """Log in and give the sid."""
    await socket.recv()
    await socket.send("40")
    sid: str = json.loads(str(await socket.recv())[2:])["sid"]
    await socket.send(f'420["login",{{"login":"{login}"}}]')
    if await socket.recv() != '430[{"status":0}]':
        raise SystemExit("the server did not take the login")
    return sid


async def _read(socket: ClientConnection) -> None:
    async for message in socket:
        if message == "2":
            await socket.send("3")


async def _post(host: str, port: int, request: bytes, times: int) -> None:
    """Send the same request again and again on one connection."""
    reader, writer = await asyncio.open_connection(host, port)
    for _ in range(times):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if b'"status":0' not in await reader.readexactly(length):
            raise SystemExit("the server did not take the offer")
    writer.close()


async def _offers(process: int, url: str, offers: int) -> float:
    """Give the processor time of one offer in milliseconds."""
    host, _, port = url.rpartition(":")
    async with connect(f"ws://{url}/socket.io/?EIO=4&transport=websocket") as alice:
        sid = await _log_in(alice, "alice")
        async with connect(f"ws://{url}/socket.io/?EIO=4&transport=websocket") as bob:
            await _log_in(bob, "bob")
            readers = [asyncio.create_task(_read(socket)) for socket in (alice, bob)]
            body = json.dumps({"sid": sid, "type": "sender", "reciever_login": "bob", "offer": DESCRIPTION}).encode()
            head = f"POST /offer HTTP/1.1\r\nhost: {url}\r\ncontent-type: application/json\r\n"
            request = head.encode() + f"content-length: {len(body)}\r\n\r\n".encode() + body
            figures = []
            for times in (10, *3 * [offers // AT_ONCE]):
                began = _processor_seconds(process)
                await asyncio.gather(*(_post(host, int(port), request, times) for _ in range(AT_ONCE)))
                figures.append((_processor_seconds(process) - began) / (times * AT_ONCE) * 1000)
            for reader in readers:
                reader.cancel()
    return median(figures[1:])


async def _idle(process: int, url: str, sockets: int) -> float:
    """Give the memory of one idle WebSocket in KiB."""
    before = _resident_kib(process)
    async with AsyncExitStack() as stack:
        for number in range(sockets):
            socket = await stack.enter_async_context(
                connect(f"ws://{url}/socket.io/?EIO=4&transport=websocket", compression=None)
            )
            await _log_in(socket, f"user-{number}")
        return (_resident_kib(process) - before) / sockets


async def _measure(process: int, url: str, offers: int, sockets: int) -> None:
    print(f"{await _offers(process, url, offers):7.3f} ms of processor time per offer")
    if sockets:
        print(f"{await _idle(process, url, sockets):7.1f} KiB of memory per idle WebSocket, of {sockets}")


def main() -> None:
    """Read the options, start a server and measure it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offers", type=int, default=8000)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("server", nargs="*", help="options of the server, behind --")
    chosen = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with subprocess.Popen(
        [sys.executable, "-m", "signalproof_server", *chosen.server],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PACKAGES)},
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().rpartition("//")[2].strip()
            asyncio.run(_measure(server.pid, url, chosen.offers, chosen.sockets))
        finally:
            server.terminate()


if __name__ == "__main__":
    main()

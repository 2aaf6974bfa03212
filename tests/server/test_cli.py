"""The process: start line, exit codes, restart, logs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import socketio
import websockets
from tests.processes import Process, running

COMMAND = (sys.executable, "-m", "signalproof_server")


@dataclass(slots=True)
class Server:
    """A running server process, and the line that it has announced itself with."""

    process: Process
    line: str

    @property
    def url(self) -> str:
        """The URL that it has announced."""
        return self.line.split()[-1]


@contextmanager
def serving(*options: str, folder: Path, log: Path | None = None) -> Iterator[Server]:
    """Run a server in an interpreter of its own; end it in any case."""
    with running(*COMMAND, *options, folder=folder, fresh=True, errors=log or Path(os.devnull)) as process:
        yield Server(process, process.line())


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Run a server process that ends by itself."""
    return subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=10, check=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_time_although_sockets_are_open(number: signal.Signals, tmp_path: Path) -> None:
    """A WebSocket, a long poll and an idle HTTP connection do not hold it up."""
    log = tmp_path / "log"

    async def scene(server: Server) -> float:
        ws_url = server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
        async with (
            httpx.AsyncClient(base_url=server.url, trust_env=False) as http,
            websockets.connect(ws_url, proxy=None) as ws,
        ):
            await ws.recv()
            await ws.send("40")
            await ws.recv()
            await ws.send('420["login",{"login":"alice-login"}]')
            assert await ws.recv() == '430[{"status":0}]'
            opened = await http.get("/socket.io/?EIO=4&transport=polling")
            poll_url = f"/socket.io/?EIO=4&transport=polling&sid={json.loads(opened.text[1:])['sid']}"
            poll = asyncio.create_task(http.get(poll_url))
            await http.post(poll_url, content="40")
            assert (await poll).text.startswith("40")
            poll = asyncio.create_task(http.get(poll_url))
            await http.get("/healthz")
            before = time.monotonic()
            server.process.send_signal(number)
            assert (await poll).text == "1"
            with pytest.raises(websockets.ConnectionClosed):
                await ws.recv()
            await asyncio.to_thread(server.process.wait, 3)
            return time.monotonic() - before

    with serving("--port", "0", folder=tmp_path, log=log) as server:
        assert server.line.startswith("Signalproof server listening on http://127.0.0.1:")
        assert asyncio.run(scene(server)) < 3
        assert server.process.returncode == 0
        assert server.process.finish() == ""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert {line["event"] for line in lines} == {"request", "login"}
    assert "alice-login" not in log.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_forgets_every_connection(number: signal.Signals, tmp_path: Path) -> None:
    """Whatever the database says: after a graceful end, a crash, or a forgery."""
    database = tmp_path / "state.sqlite3"

    async def log_in(server: Server) -> str:
        client = socketio.AsyncClient(reconnection=False)
        gone = asyncio.Event()
        client.on("disconnect", lambda *_reason: gone.set())
        await client.connect(server.url, transports=["websocket"])
        assert await client.call("login", {"login": "alice"}) == {"status": 0}
        sid = str(client.get_sid("/"))
        server.process.send_signal(number)
        await asyncio.wait_for(gone.wait(), 5)
        await client.disconnect()
        return sid

    with serving("--database", str(database), folder=tmp_path) as server:
        sid = asyncio.run(log_in(server))
        assert server.process.wait(5) is not None
    forged = sqlite3.connect(database)
    forged.execute("INSERT INTO signalproof_connection (sid, login) VALUES ('forged', 'bob')")
    forged.commit()
    forged.close()
    with serving("--database", str(database), folder=tmp_path) as server:
        for left in (sid, "forged"):
            fields = {"sid": left, "type": "sender", "reciever_login": "bob", "offer": "o"}
            reply = httpx.post(f"{server.url}/offer", json=fields, trust_env=False)
            assert reply.json()["code"] == "unknown_sid"


def test_a_port_in_use_is_one_sentence() -> None:
    """Exit code 1 and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("--port", str(port))
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"Error: cannot listen on 127.0.0.1 port {port}: ")
    assert ended.stderr.count("\n") == 1


def test_a_database_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    """Exit code 1 and no traceback, for a foreign file and for a missing directory."""
    foreign = tmp_path / "foreign"
    foreign.write_text("no database " * 100, encoding="utf-8")
    for path in (foreign, tmp_path / "missing" / "state"):
        ended = run("--database", str(path))
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert ended.stderr.startswith(f"Error: cannot use the database {path}: ")
        assert ended.stderr.count("\n") == 1


def test_a_second_server_on_a_database_is_one_sentence(tmp_path: Path) -> None:
    """The first one keeps its state: each start forgets all that is stored."""
    database = str(tmp_path / "state.sqlite3")

    async def log_in(url: str) -> None:
        client = socketio.AsyncClient(reconnection=False)
        await client.connect(url, transports=["websocket"])
        assert await client.call("login", {"login": "alice"}) == {"status": 0}
        ended = await asyncio.to_thread(run, "--database", database)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == f"Error: cannot use the database {database}: another server uses it.\n"
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            assert (await http.get("/online")).json()["payload"] == ["alice"]
        await client.disconnect()

    with serving("--database", database, folder=tmp_path) as server:
        asyncio.run(log_in(server.url))


SECRET = "0123456789abcdef0123456789abcdef"


def test_options_reach_the_discovery_document(tmp_path: Path) -> None:
    """Limits, time-outs, tokens, and where things are."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n", encoding="utf-8")
    options = ["--ringing-seconds", "3", "--held-candidates", "100", "--held-seconds", "12", "--root-path", "/api/"]
    options += ["--socket-url", "https://rt.example", "--auth-secret-file", str(secret), "--ping-interval", "0.5"]
    with serving(*options, folder=tmp_path) as server:
        assert server.url.endswith("/api")
        found = httpx.get(f"{server.url}/.well-known/vcsp", trust_env=False).json()
        opened = httpx.get(f"{server.url}/socket.io/?EIO=4&transport=polling", trust_env=False).text
    assert found["profiles"][-1] == "auth"
    assert found["socket_url"] == "https://rt.example"
    limits = found["limits"]
    assert (limits["ringing_seconds"], limits["held_candidates"], limits["held_seconds"]) == (3, 100, 12)
    assert json.loads(opened[1:])["pingInterval"] == 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--auth-secret-file", "short"), "the secret in short is shorter than 32 bytes."),
        (("--auth-secret-file", "missing"), "cannot read missing: No such file or directory."),
        (("--auth-public-key-file", "short"), "short holds no public key in PEM."),
    ],
)
def test_a_key_file_that_is_no_use_is_one_sentence(
    options: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1, no traceback, and nothing of the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short").write_text(SECRET[:31], encoding="utf-8")
    ended = run(*options)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", f"Error: {message}\n")


@pytest.mark.parametrize(
    "options",
    [
        ("--auth-secret-file", "x", "--auth-public-key-file", "y"),
        ("--root-path", "api"),
        ("--root-path", "/a b"),
        ("--root-path", "/{x}"),
        ("--held-candidates", "63"),
        ("--held-seconds", "9"),
        ("--ringing-seconds", "0"),
        ("--ping-timeout", "0"),
    ],
)
def test_a_wrong_option_is_a_usage_error(options: tuple[str, ...]) -> None:
    """Exit code 2, before anything is opened."""
    ended = run(*options)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1].startswith("Error: ")


def test_tokens_are_loaded_only_where_they_are_asked_for() -> None:
    """The start stays fast."""
    code = "import sys, signalproof_server.app as app; app.create_app(); sys.exit('jwt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=10).returncode == 0


def test_the_help_has_examples() -> None:
    """And it does not load the server."""
    ended = run("--help")
    assert ended.returncode == 0
    assert "signalproof-server --host 0.0.0.0 --port 8080" in ended.stdout
    assert "--database FILE" in ended.stdout

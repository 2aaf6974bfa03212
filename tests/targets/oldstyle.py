"""A server in the style in which this protocol is found in the wild, with the mistakes that it is found with.

`python oldstyle.py [--slow] [--workers]` serves VCSP the way course projects do: Django REST framework for HTTP,
python-socketio for events, a table in SQLite for everything, and one worker of the kind that eventlet makes. The first
line on standard output is the base URL. It is written from the description of old servers alone and shares no code with
the reference server. `tests/proof/oldstyle.toml` lists what it breaks, where, and why.

`--slow` gives it a disk on which every request takes 10 to 30 ms, in which nobody else is served. `--workers` hands
events to a pool of two workers, as Celery does with `--concurrency=2`: threads and a queue stand in for its processes
and for Redis, for all that shows outside is that two events are under way at once. Without it views emit by themselves.
"""

# ruff: noqa: E402 - Django and its REST framework read their settings while they are imported

from __future__ import annotations

import asyncio
import io
import logging
import queue
import random
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import django
import socketio
import uvicorn
from django.conf import settings
from uvicorn.middleware.wsgi import build_environ

FOLDER: Final = TemporaryDirectory(prefix="oldstyle-")
SLOW: Final = "--slow" in sys.argv
WORKERS: Final = 2 if "--workers" in sys.argv else 0
DISK_SECONDS: Final = (0.01, 0.03) if SLOW else (0.0, 0.0)
"""How long a request keeps the worker, at least and at most, beside its own work."""
PUSH_SECONDS: Final = 0.08 if SLOW else 0.03
"""How long the service for push messages takes to answer."""
PRESENCE_SECONDS: Final = 0.02
"""How long it takes to tell Redis who has come."""
LOCKED_SECONDS: Final = 0.3
"""How long a task waits that finds the database locked, before it looks again."""
LOCKED_SHARE: Final = 0.2
"""How many tasks do."""

settings.configure(
    DEBUG=True,  # as it was in production
    SECRET_KEY="oldstyle",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(FOLDER.name, "db.sqlite3"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {"init_command": f"PRAGMA synchronous={'FULL' if SLOW else 'OFF'};"},
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DEFAULT_EXCEPTION_REPORTER=f"{__name__}.Page",
    LOGGING_CONFIG=None,
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
        "EXCEPTION_HANDLER": f"{__name__}.show",
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application
from django.db import connection as database
from django.urls import path
from django.utils.html import escape
from rest_framework.exceptions import ParseError
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

SCHEMA: Final = (
    "CREATE TABLE connection (sid TEXT, login TEXT)",  # who is there: a row for each login
    "CREATE TABLE user (login TEXT PRIMARY KEY, busy INTEGER)",  # from the first `/status` on, for ever
    "CREATE TABLE offer (sender TEXT PRIMARY KEY, reciever TEXT, text TEXT NOT NULL, answered INTEGER)",
)
LOGIN_OF: Final = "SELECT login FROM connection WHERE sid = %s"
LOGINS: Final = "SELECT login FROM connection WHERE login = %s"


def sql(statement: str, *values: object) -> list[Any]:
    """Run one statement and give its rows: Django's object mapper had been too slow, once there were users."""
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def newest(statement: str, *values: object) -> Any:
    """Give the first column of the newest row; where there is none, the exception says nothing of that."""
    with database.cursor() as cursor:
        cursor.execute(f"{statement} ORDER BY rowid DESC LIMIT 1", values)
        return cursor.fetchone()[0]


# ── the worker ─────────────────────────────────────────────────────────────────────────────────


class Worker:
    """The one worker: who has it is served, all others wait in the order in which they came.

    It is what eventlet makes of a process: code runs until it waits for the network, then the next one's does.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    def take(self) -> None:
        """Wait for the worker."""
        with self._mutex:
            if not self._taken:
                self._taken = True
                return
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()

    def leave(self) -> None:
        """Let the next one have it."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False

    @contextmanager
    def had(self) -> Iterator[None]:
        """Have it, and be as slow as the disk is."""
        self.take()
        try:
            if SLOW:
                time.sleep(random.uniform(*DISK_SECONDS))
            yield
        finally:
            self.leave()

    def wait_for_the_network(self, seconds: float) -> None:
        """Wait for somebody else's server, while others are served."""
        self.leave()
        time.sleep(seconds)
        self.take()


WORKER: Final = Worker()
THREADS: Final = ThreadPoolExecutor(64)
SIO: Final = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
LOOP: Final = asyncio.new_event_loop()
TASKS: Final[queue.SimpleQueue[Callable[[], object]]] = queue.SimpleQueue()


def work() -> None:
    """Do tasks for ever, one after the other: what each of the workers of the pool does; what fails is logged."""
    while True:
        with suppress(Exception):
            TASKS.get()()


def raise_event(event: str, payload: dict[str, Any], room: str) -> None:
    """Send an event to all connections of a user; ringing looks the user up first."""
    if event == "calling" and WORKERS and random.random() < LOCKED_SHARE:
        time.sleep(LOCKED_SECONDS)
    asyncio.run_coroutine_threadsafe(SIO.emit(event, payload, room=room), LOOP).result()


def emit(event: str, payload: dict[str, Any], room: str) -> None:
    """Raise an event: in a task if there are workers, or else here and now."""
    task = partial(raise_event, event, payload, room)
    if WORKERS:
        TASKS.put(task)
    else:
        task()


# ── events ─────────────────────────────────────────────────────────────────────────────────────


def store_connection(sid: str, login: str) -> None:
    """Store who has come."""
    with WORKER.had():
        sql("INSERT INTO connection (sid, login) VALUES (%s, %s)", sid, login)


def forget_connection(sid: str, login: str) -> None:
    """Forget who has left, and their offer when nobody of that login is left."""
    with WORKER.had():
        sql("DELETE FROM connection WHERE sid = %s AND login = %s", sid, login)
        if not sql("SELECT 1 FROM connection WHERE login = %s", login):
            sql("DELETE FROM offer WHERE sender = %s", login)


@SIO.on("login")  # type: ignore[untyped-decorator]
async def on_login(sid: str, data: Any) -> dict[str, int]:
    """Take a login, whatever it is; where there is none, the exception is logged and nothing acknowledged."""
    login = data["login"]
    await SIO.enter_room(sid, login)
    await SIO.save_session(sid, {"login": login})
    await asyncio.sleep(PRESENCE_SECONDS)
    await LOOP.run_in_executor(THREADS, store_connection, sid, login)
    return {"status": 0}


@SIO.on("disconnect")  # type: ignore[untyped-decorator]
async def on_disconnect(sid: str, *_: object) -> None:
    """Forget the connection."""
    login = (await SIO.get_session(sid)).get("login")
    await LOOP.run_in_executor(THREADS, forget_connection, sid, login)


# ── views ──────────────────────────────────────────────────────────────────────────────────────


class Page:
    """Django's debug page, but for the megabyte of stack frames: making that is all that a run would see."""

    def __init__(self, request: Any, kind: type[Exception], error: Exception, *_: object, **__: object) -> None:
        self.title = escape(f"{kind.__name__} at {request.path}")
        self.error = escape(str(error))

    def get_traceback_html(self) -> str:
        """Give the page."""
        return f"<!DOCTYPE html><html><head><title>{self.title}</title></head><body><h1>{self.error}</h1></body></html>"

    get_traceback_text = get_traceback_html


def show(error: Exception, context: dict[str, Any]) -> Response | None:
    """Leave bodies that cannot be read to the debug page, which tells what is wrong, and the rest to the framework."""
    return None if isinstance(error, ParseError) else exception_handler(error, context)


class View(APIView):
    """Finds out who asks, and does what the endpoint is for."""

    def post(self, request: Any) -> Response:
        """Serve one request."""
        return self.act(newest(LOGIN_OF, request.data["sid"]), request.data)

    def act(self, login: str, data: Any) -> Response:
        """Do it."""
        raise NotImplementedError


class OfferView(View):
    """Offers and answers."""

    def act(self, login: str, data: Any) -> Response:
        """Tell the two apart."""
        {"sender": self.offer, "reciever": self.answer}[data["type"]](login, data)
        return Response({"offer": "ok"})

    def offer(self, login: str, data: Any) -> None:
        """Raise the event, send a push message, and store the offer at last."""
        reciever = sql(LOGINS, data["reciever_login"])[0][0]
        emit("sender_offer", {"sender_login": login, "sender_offer": data["offer"]}, room=reciever)
        WORKER.wait_for_the_network(PUSH_SECONDS)
        sql(
            "REPLACE INTO offer (sender, reciever, text, answered) VALUES (%s, %s, %s, 0)",
            login,
            reciever,
            data["offer"],
        )

    def answer(self, login: str, data: Any) -> None:
        """Raise the event, and mark the offer as answered."""
        unanswered = "SELECT sender FROM offer WHERE reciever = %s AND answered = 0"
        if "sender_login" in data:
            sender = newest(f"{unanswered} AND sender = %s", login, data["sender_login"])
        else:
            sender = newest(unanswered, login)
        emit("reciever_answer", {"reciever_answer": data["answer"]}, room=sender)
        sql("UPDATE offer SET answered = 1 WHERE sender = %s", sender)


class IceView(View):
    """Candidates."""

    def act(self, login: str, data: Any) -> Response:
        """Send it to all whom this user has offered to, and to all who have offered to this user."""
        own = sql("SELECT reciever FROM offer WHERE sender = %s", login)
        theirs = sql("SELECT sender FROM offer WHERE reciever = %s", login)
        for (peer,) in (*own, *theirs):
            if data.get("login", peer) == peer:
                emit("ice_candidate", {"ice": data["ice"]}, room=peer)
        return Response({"status": 0})


class CallView(View):
    """Ringing."""

    def act(self, login: str, data: Any) -> Response:
        """Ring."""
        callee = sql(LOGINS, data["login"])[0][0]
        if sql("SELECT 1 FROM user WHERE login = %s AND busy = 1", callee):
            return Response({"status": 1, "message": "The user is busy"})
        emit("calling", {"login": login}, room=callee)
        return Response({"message": "calling"})


class StatusView(View):
    """Free or busy."""

    def act(self, login: str, data: Any) -> Response:
        """Note it in the user's row."""
        busy = {"free": False, "beasy": True}[data["status"]]
        sql("REPLACE INTO user (login, busy) VALUES (%s, %s)", login, busy)
        return Response({"message": "ok"})


class DeclineView(APIView):
    """The end of ringing."""

    def post(self, request: Any) -> Response:
        """Tell the user who is named."""
        author = sql(LOGIN_OF, request.data.get("sid")) or [("somebody",)]
        payload = {"decline": "no", "login": author[-1][0]}
        emit("decline", payload, room=request.data["reciever_login"])
        return Response({"message": "ok"})


class RefreshView(APIView):
    """Negotiating again."""

    def post(self, request: Any) -> Response:
        """Tell the user who is named."""
        emit("refresh", {"refresh": "gogo"}, room=request.data["login"])
        return Response({"message": "ok"})


class OnlineView(APIView):
    """Who is there."""

    def get(self, _: Any) -> Response:
        """List the logins."""
        return Response({"status": 0, "payload": [login for (login,) in sql("SELECT DISTINCT login FROM connection")]})


urlpatterns = [
    path("offer", OfferView.as_view()),
    path("ice", IceView.as_view()),
    path("call", CallView.as_view()),
    path("decline", DeclineView.as_view()),
    path("status", StatusView.as_view()),
    path("refresh", RefreshView.as_view()),
    path("online", OnlineView.as_view()),
]


# ── the process ────────────────────────────────────────────────────────────────────────────────


def main() -> None:
    """Serve on a free port until the process is ended."""
    logging.disable()  # nobody reads it, and a full pipe would stop the process
    for table in SCHEMA:
        sql(table)
    asyncio.set_event_loop(LOOP)
    for _ in range(WORKERS):
        threading.Thread(target=work, daemon=True).start()
    views = get_wsgi_application()

    def serve(environ: Any) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Serve a request of WSGI with the one worker."""
        began: list[Any] = []
        with WORKER.had():
            content = b"".join(views(environ, lambda *start: began.extend(start)))
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in began[1]]
        return int(began[0].split()[0]), headers, content

    async def http(scope: Any, receive: Any, send: Any) -> None:
        """Hand a request of ASGI, whole, to the views."""
        body, more = io.BytesIO(), True
        while more:
            message = await receive()
            body.write(message.get("body", b""))
            more = message.get("more_body", False)
        body.seek(0)
        environ = build_environ(scope, message, body)
        status, headers, content = await LOOP.run_in_executor(THREADS, serve, environ)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or else each reply takes 40 ms
    sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    server = uvicorn.Server(uvicorn.Config(socketio.ASGIApp(SIO, http), log_config=None, lifespan="off"))
    LOOP.run_until_complete(server.serve(sockets=[listening]))


if __name__ == "__main__":
    main()

"""A server in the style in which this protocol is found in the wild, with the mistakes that it is found with.

`python oldstyle.py` serves VCSP the way course projects did: Django REST framework for HTTP, python-socketio for
events, tasks in a queue between them, and a database table for everything. The first line on standard output is the
base URL. It is written from the description of old servers alone and shares no code with the reference server.
`oldstyle.toml` beside it lists what it breaks, and why.

The mistakes that are races in the field are certain here, by how long the queue and the view take.
"""

# ruff: noqa: E402 - Django and its REST framework read their settings while they are imported

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import logging
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final

import django
import socketio
import uvicorn
from django.conf import settings

FOLDER: Final = TemporaryDirectory(prefix="oldstyle-")
LOGINS_AT_ONCE: Final = 8
LOGIN_SECONDS: Final = 5.0
"""How many logins the queue stores at once, and how long it takes for each one more."""
HEARD_SECONDS: Final = 0.5
"""How long the view of an offer waits until a page of the reciever has acknowledged the event."""
PUSH_SECONDS: Final = 0.08
"""How long it is busy with a push message then, before it stores the offer."""

settings.configure(
    DEBUG=True,  # as it was in production
    SECRET_KEY="oldstyle",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(FOLDER.name, "db.sqlite3"),
            "OPTIONS": {
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
                "transaction_mode": "IMMEDIATE",
            },
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    LOGGING_CONFIG=None,
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
        "EXCEPTION_HANDLER": f"{__name__}.refuse_with_200",
    },
)
django.setup()

from django.core.asgi import get_asgi_application
from django.db import DatabaseError, models
from django.db import connection as database
from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

# ── tables ─────────────────────────────────────────────────────────────────────────────────────


class User(models.Model):
    """A user, from the first login on, for ever."""

    login = models.CharField(max_length=200, unique=True)
    online = models.BooleanField(default=True)
    busy = models.BooleanField(default=False)

    class Meta:  # noqa: D106 - Django's way to say where it belongs
        app_label = "oldstyle"


class Connection(models.Model):
    """One row per connection."""

    sid = models.CharField(max_length=50, unique=True)
    login = models.CharField(max_length=200)

    class Meta:  # noqa: D106 - Django's way to say where it belongs
        app_label = "oldstyle"


class Offer(models.Model):
    """One row per sender: the offer that they made last."""

    sender = models.CharField(max_length=200, unique=True)
    reciever = models.CharField(max_length=200)
    changed = models.DateTimeField(auto_now=True)

    class Meta:  # noqa: D106 - Django's way to say where it belongs
        app_label = "oldstyle"


# ── tasks ──────────────────────────────────────────────────────────────────────────────────────


class Tasks(threading.Thread):
    """The queue and its worker: tasks run one after the other, each when it is due."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        self._logins: Counter[str] = Counter()

    def put(self, task: Callable[[], object], delay: float = 0.0) -> None:
        """Queue a task."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay, next(self._number), task))
            self._changed.notify_all()

    def put_login(self, sid: str, login: str) -> None:
        """Queue a login. They are limited for each group of users: the part of the login before its last dot."""
        group = login.rpartition(".")[0]
        self._logins[group] += 1

        def store() -> None:
            with suppress(DatabaseError):
                Connection.objects.update_or_create(sid=sid, defaults={"login": login})
                User.objects.update_or_create(login=login, defaults={"online": True})

        self.put(store, LOGIN_SECONDS * max(self._logins[group] - LOGINS_AT_ONCE, 0))

    def catch_up(self) -> None:
        """Wait until all tasks that are due by now have run."""
        done = threading.Event()
        self.put(done.set)
        done.wait()

    def run(self) -> None:
        """Work."""
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                task = heapq.heappop(self._due)[2]
            task()


TASKS: Final = Tasks()
SIO: Final = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
LOOP: Final = asyncio.new_event_loop()


def emit(event: str, payload: dict[str, Any], room: str) -> threading.Event:
    """Queue an event to all connections of a user, whoever they are; what is given is set when one has heard it."""
    heard = threading.Event()
    sending = partial(SIO.emit, event, payload, room=room, callback=lambda *_: heard.set())
    TASKS.put(lambda: asyncio.run_coroutine_threadsafe(sending(), LOOP))
    return heard


# ── events ─────────────────────────────────────────────────────────────────────────────────────


@SIO.on("login")  # type: ignore[untyped-decorator]
async def on_login(sid: str, data: Any) -> dict[str, int]:
    """Take a login, whatever it is; where there is none, the exception is logged and nothing acknowledged."""
    login = data["login"].strip()
    await SIO.enter_room(sid, login)
    await SIO.save_session(sid, {"login": login})
    TASKS.put_login(sid, login)
    return {"status": 0}


@SIO.on("disconnect")  # type: ignore[untyped-decorator]
async def on_disconnect(sid: str, *_: object) -> None:
    """Forget the connection, and the user with it."""
    login = (await SIO.get_session(sid)).get("login")

    def leave() -> None:
        Connection.objects.filter(sid=sid).delete()
        User.objects.filter(login=login).update(online=False)
        Offer.objects.filter(sender=login).delete()

    TASKS.put(leave)


# ── views ──────────────────────────────────────────────────────────────────────────────────────


def refuse_with_200(error: Exception, context: dict[str, Any]) -> Response | None:
    """Give every error that the framework knows as a body with HTTP 200, which is all that old pages read."""
    known = exception_handler(error, context)
    return None if known is None else refuse(f"Wrong request: {json.dumps(known.data)}")


def refuse(message: str, http_status: int = 200) -> Response:
    """Refuse."""
    return Response({"status": 1, "message": message}, status=http_status)


def look_for(rows: Any) -> Any:
    """Give the row that is looked for; look again when the queue has caught up, for it may not be stored yet."""
    if (row := rows.first()) is None:
        TASKS.catch_up()
        row = rows.all().first()
    return row


def online(login: str) -> bool:
    """Whether a user is there; one who never was is an exception, and so the framework's debug page."""
    if look_for(User.objects.filter(login=login, online=True)):
        return True
    return bool(User.objects.get(login=login).online)


LATEST: Final[dict[str, object]] = {}
"""The offer that each sender began last: the one that gets the row."""


class View(APIView):
    """Reads the fields, finds out who asks, and does what the endpoint is for."""

    Form: ClassVar[Any] = serializers.Serializer

    def post(self, request: Any) -> Response:
        """Serve one request."""
        form = self.Form(data=request.data)
        form.is_valid(raise_exception=True)
        sid = form.validated_data["sid"]
        connection = look_for(Connection.objects.filter(sid=sid))
        return self.act(connection.login, form.validated_data) if connection else refuse("Unknown sid")

    def act(self, login: str, data: dict[str, Any]) -> Response:
        """Do it."""
        raise NotImplementedError


class Description(serializers.CharField):
    """JSON text, which is read and written anew to see that it is sound."""

    def to_internal_value(self, data: Any) -> str:
        """Read it."""
        try:
            return json.dumps(json.loads(super().to_internal_value(data)))
        except (ValueError, RecursionError):
            raise serializers.ValidationError("This is no JSON.") from None


class OfferView(View):
    """Offers and answers."""

    class Form(serializers.Serializer):
        """One form for both."""

        sid = serializers.CharField()
        type = serializers.ChoiceField(["sender", "reciever"])
        reciever_login = serializers.CharField(required=False)
        sender_login = serializers.CharField(required=False)
        offer = Description(required=False)
        answer = Description(required=False)

    def act(self, login: str, data: dict[str, Any]) -> Response:
        """Tell the two apart."""
        if data["type"] == "sender":
            return self.offer(login, data["reciever_login"], data["offer"])
        return self.answer(login, data.get("sender_login"), data["answer"])

    def offer(self, login: str, reciever: str, offer: str) -> Response:
        """Hand the offer to the queue, see that it is heard, send a push message, and store the offer at last."""
        if not online(reciever):
            return refuse("Reciever does not exist!")
        begun = LATEST[login] = object()
        heard = emit("sender_offer", {"sender_login": login, "sender_offer": offer}, room=reciever)
        heard.wait(HEARD_SECONDS)
        time.sleep(PUSH_SECONDS)
        if LATEST[login] is begun:
            Offer.objects.update_or_create(sender=login, defaults={"reciever": reciever})
        return Response({"offer": "ok"})

    def answer(self, login: str, sender: str | None, answer: str) -> Response:
        """Hand the answer to the queue; the offer stays as it is."""
        offers = Offer.objects.filter(reciever=login, **({} if sender is None else {"sender": sender}))
        offer = offers.order_by("changed").last()
        if offer is None:
            return refuse("There is no offer")
        emit("reciever_answer", {"reciever_answer": answer}, room=offer.sender)
        return Response({"offer": "ok"})


class IceView(View):
    """Candidates."""

    class Form(serializers.Serializer):
        """The candidate; nobody asks whom it is for."""

        sid = serializers.CharField()
        ice = serializers.CharField()

    def act(self, login: str, data: dict[str, Any]) -> Response:
        """Send it to whom this user offered last, or else to who offered to this user last, or else nowhere."""
        own = Offer.objects.filter(sender=login).first()
        theirs = Offer.objects.filter(reciever=login).order_by("changed").last()
        if own or theirs:
            emit("ice_candidate", {"ice": data["ice"]}, room=own.reciever if own else theirs.sender)
        return Response({"status": 0, "ice": {}})


class UserForm(serializers.Serializer):
    """Another user."""

    sid = serializers.CharField()
    login = serializers.CharField()


class CallView(View):
    """Ringing."""

    Form = UserForm

    def act(self, login: str, data: dict[str, Any]) -> Response:
        """Ring."""
        try:
            if not online(data["login"]):
                return refuse("The user is offline")
        except User.DoesNotExist:
            return refuse("There is no such user", http_status=404)
        callee = User.objects.get(login=data["login"])
        if callee.busy:
            return refuse("The user is busy")
        emit("calling", {"login": login}, room=callee.login)
        return Response({"status": 0, "message": "calling"})


class DeclineView(View):
    """The end of ringing."""

    class Form(serializers.Serializer):
        """The caller."""

        sid = serializers.CharField()
        reciever_login = serializers.CharField()

    def act(self, login: str, data: dict[str, Any]) -> Response:
        """Tell the user who is named."""
        emit("decline", {"decline": "no", "login": login}, room=data["reciever_login"])
        return Response({"status": 0, "message": "ok"})


class StatusView(View):
    """Free or busy."""

    class Form(serializers.Serializer):
        """One of two words."""

        sid = serializers.CharField()
        status = serializers.ChoiceField(["free", "beasy"])

    def act(self, login: str, data: dict[str, Any]) -> Response:
        """Note it in the user's row."""
        User.objects.filter(login=login).update(busy=data["status"] == "beasy")
        return Response({"status": 0, "message": "ok"})


class RefreshView(View):
    """Negotiating again."""

    Form = UserForm

    def act(self, login: str, data: dict[str, Any]) -> Response:
        """Tell the user who is named."""
        emit("refresh", {"refresh": "gogo"}, room=data["login"])
        return Response({"status": 0, "message": "ok"})


class OnlineView(APIView):
    """Who is there."""

    def get(self, _: Any) -> Response:
        """List the connections."""
        return Response({"status": 0, "payload": list(Connection.objects.values_list("login", flat=True))})


urlpatterns = [
    path("offer", OfferView.as_view()),
    path("ice", IceView.as_view()),
    path("call", CallView.as_view()),
    path("decline", DeclineView.as_view()),
    path("status", StatusView.as_view()),
    path("refresh", RefreshView.as_view()),
    path("online", OnlineView.as_view()),
]


def main() -> None:
    """Serve on a free port until the process is ended."""
    logging.disable()  # nobody reads it, and a full pipe would stop the process
    with database.schema_editor() as editor:
        for model in (User, Connection, Offer):
            editor.create_model(model)
    asyncio.set_event_loop(LOOP)
    TASKS.start()
    app = socketio.ASGIApp(SIO, get_asgi_application())
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    LOOP.run_until_complete(server.serve(sockets=[listening]))


if __name__ == "__main__":
    main()

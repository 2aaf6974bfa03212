"""Likely causes of well-known mistakes: each a pure function of what was received."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping

from signalproof.protocol.samples import NAMESAKES, RESERVED
from signalproof.text.redact import conceal, cut
from signalproof.text.untrusted import read_json

__all__ = [
    "ACKNOWLEDGED_EARLY",
    "CHOOSY",
    "EMITTED_EARLY",
    "ENGINE_SID",
    "INSPECTED",
    "JOINED",
    "LIMITED",
    "LOGIN_KEYS",
    "NO_FORMS",
    "ONE_PATH",
    "PARAMETERS",
    "SPLIT",
    "SWALLOWED",
    "for_accepted",
    "for_broken",
    "for_event_name",
    "for_form",
    "for_login",
    "for_missing",
    "for_namesake",
    "for_payload",
    "for_refusal",
    "for_reply",
    "for_stranger",
    "for_text",
    "for_unheard",
    "one_row",
]

ENGINE_SID = (
    "The server knows the Engine.IO sid of this connection, which is the transport's own and no credential. "
    "Store and look up the Socket.IO sid: the `sid` that handlers are given in python-socketio (not its `eio_sid`), "
    "`socket.id` in Node.js (not `socket.conn.id`)."
)
ACKNOWLEDGED_EARLY = (
    "Asked again, the server knows the same sid: `login` was acknowledged before it was stored. "
    "Await the store and its commit in the handler, then return the acknowledgement; no background task."
)
SPLIT = (
    "Asked again, the server now knows the same sid and now does not: several workers answer, each with a memory of "
    "its own. Keep logins where all workers see them, such as a database or Redis, and let them share their events "
    "(python-socketio: `client_manager=AsyncRedisManager(…)`; Node.js: `@socket.io/redis-adapter`)."
)
EMITTED_EARLY = (
    "Asked again after the reply to the offer, the server takes the answer: `sender_offer` was emitted before the "
    "offer was stored. Store and commit first, then emit (Django: `transaction.on_commit`)."
)
JOINED = (
    "Pairs of logins that hold the separator fall together where a key is joined of two (`sender + ':' + reciever`): "
    "use a pair of columns, or a tuple."
)
ONE_PATH = (
    "Hand the events for one connection to one ordered path, not to a pool of workers (Celery: a queue of its own for "
    "them, with one worker and `--concurrency=1`)."
)
NO_FORMS = (
    "This endpoint does not read forms. Accept both application/json and application/x-www-form-urlencoded on every "
    "POST endpoint (Express: add `express.urlencoded()`; FastAPI: read `request.form()` beside the JSON body; Django "
    "REST framework: keep `FormParser` in `parser_classes`)."
)
PARAMETERS = (
    "Forms are read, but not with a parameter such as `; charset=UTF-8` behind the content type: "
    "compare the media type alone."
)

_OFFER_ID = (
    "`offer_id` says which offer is answered: look that one up first, by the id and the user of the sid, and refuse "
    "when there is none, when another one has replaced it, or when `sender_login` names somebody else. Do not "
    "fall back to the latest offer."
)
_AS_IT_IS = (
    "What a description offers is negotiated by the two peers; a server that edits it breaks the calls of those whose "
    "browser it was not tried with. Forward the posted string as it is."
)
BINARY = (
    "It came at once, but in a Buffer, which pages get as an ArrayBuffer: emit the text itself (Node.js: "
    "`buffer.toString()`; Python: `data.decode()`), as drivers of Redis and of databases give bytes by default."
)
RECOVERY = (
    "Connection state recovery of Socket.IO for Node.js appends such an argument to every event: leave "
    "`connectionStateRecovery` out of the server's options. It also revives old sids, against LOGIN-9 and OFFER-7."
)
ACKNOWLEDGED = (
    "Clients acknowledge no event, and a server that waits for that, or repeats the event until then, stands still or "
    "raises it many times. Emit without a callback (Node.js: not `emitWithAck` or `timeout(…).emit(…, callback)`; "
    "python-socketio: neither `callback=` nor `call()`)."
)
LOGIN_KEYS = ("reciever_login", "sender_login", "login")
"""The fields of requests that name a user."""
MEMBERS = (
    "Every object of JavaScript has a member of this name: `users[login]` finds it where nobody has logged in, and "
    "falls over it or takes it for a user. Keep users in a `Map`, or in an object without a prototype "
    "(`Object.create(null)`)."
)
ROOMS = (
    "A sid was taken for a login: every Socket.IO connection is in a room of that name. Look the login up among those "
    "that are logged in before emitting, and call the rooms of users something else, such as `user:` and the login."
)
CHOOSY = (
    "Others like it arrive: candidates seem to be chosen by type, transport or media section. Which of them are of "
    "use is for the peers to say; forward all of them, the last one included."
)
INSPECTED = (
    "Others are accepted: this one is refused for what it holds, or for its length. Up to 65,536 bytes a server looks "
    "at nothing but whether the text is a JSON object with the strings `type` and `sdp`."
)
SWALLOWED = (
    "The same text was posted before, and it seems to be taken for a repetition. Two requests are two events, whatever "
    "they say: do not filter duplicates by content."
)
LIMITED = (
    "with a limit of requests or connections it answers so (nginx: `limit_req` and `limit_conn`). Stay below it with "
    "--rate N (requests per second) and --serial, or exempt this machine."
)
TOO_LONG = (
    "A limit of bodies, of the framework or of a proxy on the way (nginx: `client_max_body_size`, Caddy: "
    "`request_body`, HAProxy: a rule with `deny`): it has to let descriptions of 65,536 bytes through, which JSON "
    "makes longer, and to refuse what is longer in JSON, not with a page (nginx: `error_page 413`)."
)
LINE = 90
"""Characters of a line that are shown."""
_SPELLING = (
    "The protocol's own spelling is `reciever`, in event names, keys and the `type` value; "
    "clients in the field listen for nothing else."
)


def for_event_name(event: str) -> str | None:
    """Explain an event under another name."""
    return _SPELLING if "receiver" in event else None


def for_payload(payload: object, key: str) -> str | None:
    """Explain a payload that lacks its text."""
    if not isinstance(payload, dict):
        return "Emit one JSON object as the event's only argument."
    if any("receiver" in str(name) for name in payload):
        return _SPELLING
    if isinstance(payload.get(key), dict):
        return f"`{key}` is a string that holds JSON text: forward the posted string, do not parse it into an object."
    return None


def for_form(arguments: tuple[object, ...], *, binary: bool, asks: bool) -> str:
    """Explain an event that was emitted with binary data, further arguments, or a callback."""
    found = [BINARY] if binary else []
    if len(arguments) > 1:
        recovery = len(arguments) == 2 and isinstance(arguments[1], str)
        found.append(RECOVERY if recovery else "Emit one JSON object as the event's only argument.")
    return " ".join([*found, ACKNOWLEDGED] if asks else found)


def for_text(expected: str, received: str) -> str | None:
    """Explain a forwarded text that differs from the posted one."""
    if received == expected.strip():
        return (
            "Leading or trailing white space was trimmed. Form and serializer libraries do so by default "
            "(Django REST framework: `CharField(trim_whitespace=False)`)."
        )
    if received == expected.replace("\r\n", "\n"):
        return "CRLF became LF. SDP lines end with CRLF (RFC 8866, section 5)."
    if expected.startswith(received):
        return f"The text was cut after {len(received)} characters: look at column sizes and body limits."
    if explained := _for_content(_content(expected), _content(received)):
        return explained
    if received.replace(" ", "+") == expected.replace(" ", "+"):
        return "`+` and space were confused: decode a form-encoded body exactly once."
    return None


def _for_content(sent: object, came: object) -> str | None:
    """Explain a description or a candidate by what its JSON text holds."""
    if sent is not None and sent == came:
        return "The text was parsed and serialised again. Forward the posted string as it is."
    edited = _for_lines(_lines(sent), _lines(came))
    return f"{edited} {_AS_IT_IS}" if edited else None


def _content(text: str) -> object:
    """Read JSON text; None where it is none."""
    try:
        return read_json(text)
    except ValueError:
        return None


def _lines(description: object) -> list[str]:
    """Give the lines of a session description, with their ends."""
    sdp = description.get("sdp") if isinstance(description, dict) else None
    return sdp.splitlines(keepends=True) if isinstance(sdp, str) else []


def _for_lines(sent: list[str], came: list[str]) -> str | None:
    """Say which lines of a description were edited, if it is one that was."""
    if not sent or not came or sent == came:
        return None
    old, new = [line.rstrip("\r\n") for line in sent], [line.rstrip("\r\n") for line in came]
    if old == new:
        return "The lines of the SDP have other ends: CRLF, LF or none, they belong to the text."
    if new == old[: len(new)]:
        return f"The SDP was cut after line {len(new)} of {len(old)}."
    if sorted(old) == sorted(new):
        return "The lines of the SDP were put into another order."
    lost, added = Counter(old) - Counter(new), Counter(new) - Counter(old)
    first = next((_line(line) for line in old if line in lost), "")
    if not added:
        more = f", and {lost.total() - 1} more" if lost.total() > 1 else ""
        return f"A line of the SDP was taken out: {first}{more}."
    instead = next(_line(line) for line in new if line in added)
    return (
        f"A line of the SDP was rewritten: {first} became {instead}." if lost else f"The SDP has a new line: {instead}."
    )


def _line(line: str) -> str:
    return f"`{cut(conceal(line), LINE)}`"


def for_stranger(
    event: str,
    *,
    at: str,
    author: str,
    meant_for: Collection[str],
    own_connection: bool,
    arrived: bool,
    by_id: bool = False,
) -> str | None:
    """Explain an event at a connection it was not meant for, by the logins.

    `arrived` says whether those it was meant for got it too, and `by_id` whether the request named an offer by its id.
    """
    if own_connection:
        return (
            "Emit to the connections of the other user, not to a room that the sender is in too "
            "(python-socketio: `skip_sid=sid`; Node.js: `socket.to(room)` instead of `io.to(room)`)."
        )
    if alike := next((why for login in meant_for if (why := for_login(login, at))), None):
        return alike
    if at == author or at in meant_for:
        return f"Emit {event} to the connections concerned, not to a room that other devices of its users are in too."
    if arrived:
        return f"Emit {event} to the connections concerned; without a target, Socket.IO emits to everybody."
    return _astray(event, nobody_meant=not meant_for, by_id=by_id)


def _astray(event: str, *, nobody_meant: bool, by_id: bool) -> str:
    if nobody_meant:
        return (
            f"Nobody was to get this {event}: look first whether there still is what the request is about, with whom, "
            "and refuse it or drop it otherwise."
        )
    if by_id:
        return _OFFER_ID
    return "It went to another user instead: look its connections up by the pair of users that the request is about."


def for_login(expected: object, received: object) -> str | None:
    """Explain that one login was taken for another that is like it."""
    if not isinstance(expected, str) or not isinstance(received, str) or expected == received:
        return None
    if expected.strip() == received.strip():
        how = "White space around logins is trimmed (Django REST framework: `CharField(trim_whitespace=False)`)."
    elif expected.casefold() == received.casefold():
        how = "Case is ignored in logins, as by default in MySQL; give the column a binary collation."
    elif unicodedata.normalize("NFC", expected) == unicodedata.normalize("NFC", received):
        how = "Logins are normalised, as some libraries for user names do."
    else:
        return None
    return f"{how} Compare them code point for code point."


def for_namesake(login: object) -> str | None:
    """Explain that a server fell over a login by its name."""
    return MEMBERS if login in NAMESAKES or login in RESERVED else None


def for_accepted(fields: Mapping[str, object], engine_sid: str, *, names_sid: bool = False) -> str | None:
    """Explain that a request with these fields was accepted where it has to be refused.

    `names_sid` says that it has a sid in the place of a login.
    """
    if fields.get("sid") == engine_sid:
        return ENGINE_SID
    if names_sid:
        return ROOMS
    if any(isinstance(value, int | float) for value in fields.values()):
        return (
            "A number or a boolean was taken for a string, as serializer libraries do (Django REST framework's "
            "`CharField`, marshmallow and Joi are lenient; pydantic: `StrictStr`). Check the type before they see it."
        )
    named = (fields.get(key) for key in (*LOGIN_KEYS, "type"))
    if any(isinstance(value, str) and value != value.strip() for value in named):
        return (
            "White space around a field was trimmed. Form and serializer libraries do so by default "
            "(Django REST framework: `CharField(trim_whitespace=False)`)."
        )
    return _OFFER_ID if "answer" in fields and "offer_id" in fields else None


def one_row(key: str) -> str:
    """Explain that the last one took the place of the one before: `key` says whose row it was."""
    if key == "user":
        return (
            "Only the connection that came last is known: there seems to be one row, with one sid, for each user. Keep "
            "a row for each connection, or a room for each login (python-socketio: `enter_room(sid, login)`), and "
            "note with each offer which connection made it."
        )
    return (
        f"The later offer took the place of the earlier one: there seems to be one row for each {key}. Key offers by "
        'the pair of sender and reciever (Django: `UniqueConstraint(fields=["sender", "reciever"], …)`).'
    )


def for_reply(status: int, text: str, title: str | None = None) -> str | None:
    """Explain a reply that is wrong by itself, or a refusal of a sound request; `title` is that of an HTML page."""
    lowered = text.lower()
    page = "<html" in lowered or "<!doctype" in lowered or "an html page" in lowered
    if status >= 500:
        return _for_server_error(status, title, page=page)
    if status == 413:
        return TOO_LONG
    if page:
        return (
            "An HTML page came where JSON belongs: the framework's or the proxy's own error page. "
            "Register handlers that answer every error with a JSON refusal, and let the proxy do so too with what it "
            "refuses by itself (nginx: `error_page`, HAProxy: `http-error`, Caddy: `handle_errors`)."
        )
    if status == 415:
        return "Read JSON under each spelling of its content type, with parameters such as `; charset=utf-8` too."
    if status == 403 and "csrf" in lowered:
        return "Exempt the protocol endpoints from CSRF checks: the sid is the credential."
    return None


def _for_server_error(status: int, title: str | None, *, page: bool) -> str:
    if status in {502, 504}:
        return (
            f"HTTP {status} comes from a proxy that got no usable reply: did the server behind it end, or stand still? "
            "Look into both logs at that time. (Caddy answers 502, too, when a body is over its `request_body` limit.)"
        )
    if status == 503 and page:
        return f"HTTP 503 comes from a proxy: {LIMITED} Otherwise nobody is behind it that it knows of."
    called = f" Its page is called {title!r}." if title else ""
    return f"The server threw: look into its log for the traceback of this request.{called}"


def for_broken(status: int, text: str, title: str | None, problem: str) -> str | None:
    """Explain a reply that is wrong by itself, whatever the request was; `problem` says what is wrong with it."""
    if status < 500 and "a refusal that lacks" in problem:
        return (
            "The framework refuses in a form of its own: register a handler that gives all its errors `status` and "
            "`message` (Django REST framework: `EXCEPTION_HANDLER`; FastAPI: `exception_handler` for `HTTPException` "
            "and `RequestValidationError`; Express: an error middleware behind all routes)."
        )
    return None if status == 415 and "html" not in text.lower() else for_reply(status, text, title)


def for_missing(path: str, status: int, *, well_formed: bool) -> str | None:
    """Explain that a sound POST was answered as on an unknown path: not by a refusal of the protocol."""
    if status not in {404, 405} or well_formed:
        return None
    return (
        f"There is no POST {path} here, as far as its reply tells: add the route, or do not claim the profile that it "
        "belongs to. (A look-up that ends in HTTP 404, as `get_object_or_404` does, looks the same.)"
    )


def for_refusal(status: int) -> str | None:
    """Explain a refusal of a malformed request that has the wrong HTTP status."""
    if status != 200:
        return None
    return (
        "This refuses, but with HTTP 200, by which libraries and monitoring take it for a success. "
        "200 is for refusals of well-formed requests; a malformed request gets a 4xx status."
    )


def for_unheard(others: list[str]) -> str | None:
    """Explain an event that did not come while others did."""
    for event in others:
        if spelling := for_event_name(event):
            return spelling
    return None

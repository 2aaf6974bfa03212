"""What stands in the way gets a sentence of its own, with its remedy: the same from `check` and from `doctor`."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.kit.net.small_server import OPENING, SmallServer

from signalproof.config.identity import Anonymous
from signalproof.config.target import Target, tls_context
from signalproof.doctor import Mark, Observation, consult, examine
from signalproof.errors import TargetUnusable
from signalproof.net.http import Http

PAGE = "<!DOCTYPE html><html><title>It works!</title></html>"
NGINX = "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>"
DJANGO = "RuntimeError: You called this URL via POST, but the URL doesn't end in a slash and you have APPEND_SLASH set."


class Sound(SmallServer):
    """As much of a sound server as is looked at before a run."""

    prefix = ""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Refuse offers of nobody, open sessions of long-polling, and know no other path."""
        await request.read()
        path = request.path
        if path == f"{self.prefix}/socket.io/":
            return web.Response(text=OPENING if request.method == "GET" else "ok")
        if path == f"{self.prefix}/offer":
            return web.json_response({"status": 1, "message": "Who?", "code": "unknown_sid"})
        return self.nothing()

    async def talk(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take sockets at the one path."""
        return await super().talk(request) if request.path == f"{self.prefix}/socket.io/" else self.nothing()

    def nothing(self) -> web.StreamResponse:
        """Know nothing of it."""
        return web.json_response({"status": 1, "message": "Not found."}, status=404)


class BelowApi(Sound):
    """Lives below a path."""

    prefix = "/api"


@dataclass
class Gatekeeper(Sound):
    """Answers everything in one way, or only what does not begin with `/socket.io/`, or only what does."""

    status: int = 200
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    sockets: bool | None = None

    def __post_init__(self) -> None:
        """Set the server up as well."""
        super().__init__()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Be in the way."""
        if self.sockets is not None and request.path.startswith("/socket.io/") is not self.sockets:
            return await super().handle(request)
        await request.read()
        headers = {name: value.replace("PATH", request.path) for name, value in self.headers.items()}
        return web.Response(status=self.status, text=self.text, headers=headers, content_type="text/html")


class WebSocketHeldBack(Sound):
    """A proxy in between knows nothing of WebSocket."""

    async def talk(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take the handshake for a request."""
        return web.json_response({"code": 3, "message": "Bad request"}, status=400)


class StandsStill(Sound):
    """Takes no handshake in time, of either transport."""

    relief = asyncio.Event()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Let handshakes wait."""
        if request.path.startswith("/socket.io/"):
            await self.relief.wait()
        return await super().handle(request)


class OpensAndStandsStill(Sound):
    """Opens sockets, and says nothing on them: all workers are busy."""

    async def talk(self, request: web.BaseRequest) -> web.StreamResponse:
        """Open, and be late."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket


class ConnectsNobody(Sound):
    """Speaks Engine.IO, and leaves each CONNECT without an answer."""

    async def hear(self, socket: web.WebSocketResponse, packet: str) -> None:
        """Say nothing."""


class HangsUp(Sound):
    """Reads a request, and answers nothing for long."""

    relief = asyncio.Event()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Be late with everything."""
        await self.relief.wait()
        return web.Response()


@dataclass(frozen=True)
class Case:
    """A server, how it is called, and what is to be said: part of the sentence, part of the remedy, and the step."""

    server: SmallServer
    says: str
    remedy: str
    step: str
    scheme: str = "http"
    host: str = "127.0.0.1"
    path: str = ""
    tls: str = ""
    trust: bool = False
    named: bool = False
    timeout: float = 3.0
    says_doctor: str = ""


BASE, HTTP, TLS, SOCKET = "base path", "HTTP", "TLS", "WebSocket"

CASES = {
    "http_to_a_tls_port": Case(
        Sound(), "Nothing usable answers at <url>: this port speaks TLS, and was spoken to without",
        "Give https://<host> instead of <url>.", HTTP, tls="localhost",
    ),
    "http_to_a_tls_port_of_nginx": Case(
        Gatekeeper(status=400, text=NGINX), "POST <url>/offer got HTTP 400: this port speaks TLS",
        "Give https://<host> instead of <url>.", BASE,
    ),
    "https_to_a_plain_port": Case(
        Sound(), "does not speak TLS", "Write http:// instead of https://", TLS, scheme="https",
    ),
    "prefix_missing": Case(
        BelowApi(), "There is no Socket.IO server at <url>/socket.io/: the WebSocket handshake got HTTP 404, "
        "and POST <url>/offer got HTTP 404", "Give <url>/api instead of <url>: there /offer answers", BASE,
        says_doctor="there is no VCSP endpoint: POST <url>/offer got HTTP 404",
    ),
    "prefix_wrong": Case(
        Sound(), "and POST <url>/offer got HTTP 404", "Give http://<host> instead of <url>: there /offer answers", BASE,
        path="/v2", says_doctor="there is no VCSP endpoint: POST <url>/offer got HTTP 404",
    ),
    "prefix_unknown": Case(
        Gatekeeper(status=404), "There is no Socket.IO server at <url>/socket.io/",
        "Give the base URL below which /offer lives, with its path prefix if it has one", BASE,
        says_doctor="there is no VCSP endpoint",
    ),
    "bad_gateway": Case(
        Gatekeeper(status=502, text=PAGE), "POST <url>/offer got HTTP 502: the proxy there gets no usable reply",
        "forward to the right host and port", BASE,
    ),
    "bad_gateway_for_sockets": Case(
        Gatekeeper(status=502, text=PAGE, sockets=True), "GET <url>/socket.io/ got HTTP 502: the proxy there gets no",
        "forward to the right host and port", SOCKET,
    ),
    "credentials_wanted": Case(
        Gatekeeper(status=401, text=PAGE, headers={"www-authenticate": 'Basic realm="staging"'}),
        'POST <url>/offer got HTTP 401: something in front asks for credentials (Basic realm="staging")',
        "Send them with --header 'Authorization: …'", BASE,
    ),
    "forbidden": Case(
        Gatekeeper(status=403, text=PAGE), "got HTTP 403 with an HTML page: something in front forbids it",
        "let this machine through", BASE,
    ),
    "misdirected": Case(
        Gatekeeper(status=421), "POST <url>/offer got HTTP 421: who answers there does not serve the host <host>",
        "Give the URL under the host name", BASE,
    ),
    "too_many_requests": Case(
        Gatekeeper(status=429, headers={"retry-after": "30"}), "limits how many requests come from here; it asks to "
        "wait 30 s", "--rate N", BASE,
    ),
    "redirect_to_https": Case(
        Gatekeeper(status=301, headers={"location": "https://chat.example:8443PATH"}, sockets=None),
        "POST <url>/offer got HTTP 301, a redirect to https://chat.example:8443/offer",
        "Give https://chat.example:8443 instead of <url>: redirects are not followed.", BASE,
    ),
    "redirect_to_a_slash": Case(
        Gatekeeper(status=301, headers={"location": "PATH/"}, sockets=False), "POST <url>/offer got HTTP 301, a "
        "redirect to <url>/offer/", "Let /offer answer without a slash behind it", BASE,
    ),
    "slash_wanted_by_django": Case(
        Gatekeeper(status=500, text=DJANGO, sockets=False), "POST <url>/offer got HTTP 500: Django wants a slash",
        "APPEND_SLASH redirects where only /offer/ has a route", BASE,
    ),
    "redirect_to_a_login_page": Case(
        Gatekeeper(status=302, headers={"location": "/login?next=PATH"}, sockets=False),
        "POST <url>/offer got HTTP 302, a redirect to <url>/login?next=/offer", "if a login page stands in front", BASE,
    ),
    "redirect_of_sockets": Case(
        Gatekeeper(status=307, headers={"location": "https://rt.chat.example/socket.io/"}, sockets=True),
        "HTTP 307, a redirect to https://rt.chat.example/socket.io/",
        "If Socket.IO lives there, give --socket-url https://rt.chat.example", SOCKET,
    ),
    "self_signed": Case(
        Sound(), "TLS: the certificate is self-signed", "with --ca-file FILE, or any certificate with --insecure", TLS,
        scheme="https", tls="localhost",
    ),
    "another_name": Case(
        Sound(), "TLS: the certificate is for another name than 127.0.0.1: chat.example",
        "Give the URL under a name of the certificate", TLS, scheme="https", tls="chat.example", trust=True,
    ),
    "sockets_elsewhere": Case(
        Gatekeeper(status=404, sockets=True), "There is no Socket.IO server at <url>/socket.io/: the WebSocket "
        "handshake got HTTP 404.", "If Socket.IO lives elsewhere, name that with --socket-url.", SOCKET,
        says_doctor="there is no Engine.IO at <url>/socket.io/: the WebSocket handshake got HTTP 404",
    ),
    "sockets_elsewhere_though_named": Case(
        Gatekeeper(status=404, sockets=True), "There is no Socket.IO server at <url>/socket.io/",
        "--socket-url names <url>: give the URL below which socket.io/ lives there", SOCKET, named=True,
        says_doctor="there is no Engine.IO at <url>/socket.io/",
    ),
    "websocket_held_back": Case(
        WebSocketHeldBack(), "long-polling works, WebSocket does not: the WebSocket handshake got HTTP 400",
        "A proxy in between has to pass WebSocket on", SOCKET,
    ),
    "stands_still": Case(
        StandsStill(), "no answer to a handshake within 0.5 s", "overloaded or standing still", SOCKET, timeout=0.5,
    ),
    "opens_and_stands_still": Case(
        OpensAndStandsStill(), "the WebSocket opens, but Engine.IO says nothing: no frame within 0.5 s",
        "overloaded or standing still", SOCKET, timeout=0.5,
    ),
    "connects_nobody": Case(
        ConnectsNobody(), "Engine.IO answers, but a Socket.IO connection does not come about",
        "overloaded or standing still", "CONNECT", timeout=0.5,
    ),
    "answers_nothing": Case(
        HangsUp(), "Nothing usable answers at <url>: the port is open, but no reply within 0.5 s",
        "overloaded or standing still", HTTP, timeout=0.5,
    ),
}  # fmt: skip


def write_certificate(path: Path, name: str) -> None:
    """Write a self-signed certificate for a name, and its key, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))


@asynccontextmanager
async def up(server: SmallServer, certificate: Path | None = None) -> AsyncIterator[int]:
    """Serve, and give the port."""
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    runner = web.ServerRunner(web.Server(server.handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def checked(target: Target) -> TargetUnusable:
    """Give what `check` says, which does not come to the checks."""
    http = Http(target)
    try:
        with pytest.raises(TargetUnusable) as unusable:
            await examine(target, http, Anonymous())
    finally:
        await http.close()
    return unusable.value


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_has_a_sentence_and_a_remedy(case: Case, tmp_path: Path) -> None:
    """From both, and the doctor at the step where it belongs."""
    certificate = tmp_path / "certificate.pem" if case.tls else None
    if certificate:
        write_certificate(certificate, case.tls)

    async def meet() -> tuple[str, TargetUnusable, list[Observation]]:
        async with up(case.server, certificate) as port:
            url = f"{case.scheme}://{case.host}:{port}{case.path}"
            target = Target(
                url=url,
                socket_url=url if case.named else "",
                socket_url_from="--socket-url" if case.named else "",
                profiles=(),
                profiles_reason="",
                timeout=case.timeout,
                tls=tls_context(certificate, insecure=False) if case.trust else None,
            )
            return url, await checked(target), [seen async for seen in consult(replace(target), Anonymous())]

    url, unusable, seen = asyncio.run(meet())

    def filled(text: str) -> str:
        return text.replace("<url>", url).replace("<host>", url.split("/")[2])

    assert filled(case.says) in unusable.problem
    assert filled(case.remedy).rstrip(".") in unusable.remedy
    (stop,) = [one for one in seen if one.mark is Mark.BLOCKED and one.step == case.step]
    told = case.says_doctor or case.says.removeprefix("TLS: ")
    assert filled(told) in stop.seen
    assert filled(case.remedy).rstrip(".") in stop.advice
    assert unusable.problem.endswith(".")
    assert not unusable.problem.endswith("..")

"""Where conformant servers live: behind prefixes, proxies and TLS, on two origins, and with other habits."""

from __future__ import annotations

import asyncio
import datetime
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.kit.conftest import Finished, Kit
from tests.kit.deployments import SERVERS, Belt
from tests.kit.net.small_server import NAMES
from tests.processes import running

DEPLOYMENTS = Path(__file__).with_name("deployments.py")
SHORT = ("-k", "test_offer or test_media or test_presence")
"""Offers, real peers and silent loss: a slice that touches HTTP, sockets and time."""
Start = Callable[..., str]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `deployments.py` or the reference server with arguments, and give the URL; all end with the test."""
    with ExitStack() as stack:

        def run(*arguments: str) -> str:
            command = [str(DEPLOYMENTS)] if arguments[0] in {*SERVERS, "proxy"} else ["-m", "signalproof_server"]
            process = stack.enter_context(running(sys.executable, *command, *arguments, folder=tmp_path))
            line = process.line()
            url = line.rpartition(" ")[2]
            assert url.startswith("http"), f"{arguments} did not start: {line} {process.finish()}"
            return url

        yield run


def reference(start: Start, *options: str) -> str:
    """Start the reference server with quick timers."""
    return start("--port", "0", "--log-level", "error", "--ping-interval", "0.5", "--ping-timeout", "1.5", *options)


def port_of(url: str) -> str:
    """Give the port in a URL."""
    return url.split("/")[2].rpartition(":")[2]


def conformant(run: Finished) -> bool:
    """Tell whether a run was green, and not for want of checks."""
    report = run.report or {}
    return run.code == 0 and report.get("verdict") in {"conformant", "partial"} and report["summary"]["passed"] > 0


def test_a_server_may_do_everything_that_is_open_in_another_way(kit: Kit, start: Start) -> None:
    """Extra members, empty acknowledgements, refusals with 4xx, no polling, events after the reply: the whole suite."""
    run = kit.check(start("different"))
    assert conformant(run), run.output


def test_a_server_may_live_below_a_path(kit: Kit, start: Start) -> None:
    """HTTP endpoints and Socket.IO alike."""
    url = reference(start, "--root-path", "/api/v2")
    assert url.endswith("/api/v2"), url
    run = kit.check(url, *SHORT)
    assert conformant(run), run.output


@pytest.mark.parametrize("by", ["option", "discovery"])
def test_sockets_may_have_another_origin(kit: Kit, start: Start, by: str) -> None:
    """Named by `--socket-url`, or by the discovery document."""
    if by == "option":
        url = reference(start)
        run = kit.check(url, "--socket-url", start("proxy", "--port", port_of(url)), *SHORT)
        assert "Socket.IO at http://127.0.0.1:" in run.output
    else:
        elsewhere = reference(start)
        here = reference(start, "--socket-url", elsewhere)
        run = kit.check(here, "-k", "test_offer")
        # Two servers that know nothing of each other: the sockets are really sought where discovery says.
        assert f"Socket.IO at {elsewhere}" in run.output
        assert run.code == 1, run.output
        return
    assert conformant(run), run.output


def test_a_slow_link_raises_no_alarm(kit: Kit, start: Start) -> None:
    """100 ms each way, more or less: limits are widened by the measured round trip."""
    uneven = ("--delay", "0.1", "--jitter", "0.3")
    run = kit.check(start("proxy", "--port", port_of(reference(start)), *uneven), *SHORT)
    assert conformant(run), run.output


def test_events_may_come_by_a_slow_queue(kit: Kit, start: Start) -> None:
    """Up to a fifth of a second after the reply, in order."""
    run = kit.check(start("queue"), *SHORT)
    assert conformant(run), run.output


@pytest.mark.parametrize("host", NAMES)
def test_a_balancer_may_find_connections_by_a_cookie(kit: Kit, start: Start, host: str) -> None:
    """Each participant has one of its own from the handshake on, whatever the host is called."""
    run = kit.check(start("sticky").replace("127.0.0.1", host), "-k", "test_offer")
    assert conformant(run), run.output


def test_a_delay_that_varies_keeps_the_order() -> None:
    """Each thing comes after the one before it, and not at once."""

    async def carried() -> tuple[list[int], float]:
        loop = asyncio.get_running_loop()
        arrived: list[int] = []
        last: asyncio.Future[None] = loop.create_future()

        def deliver(thing: int) -> None:
            arrived.append(thing)
            if thing == 299:
                last.set_result(None)

        belt = Belt(deliver, 0.02, 0.9)
        began = loop.time()
        for thing in range(300):
            belt.put(thing)
        assert arrived == []
        await asyncio.wait_for(last, 5)
        return arrived, loop.time() - began

    arrived, seconds = asyncio.run(carried())
    assert arrived == list(range(300))
    assert seconds > 0.02


def test_tls_with_a_private_authority(kit: Kit, start: Start, tmp_path: Path) -> None:
    """Trusted by `--ca-file` or `--insecure`, and refused with an explanation otherwise."""
    certificate = tmp_path / "certificate.pem"
    write_certificate(certificate)
    url = start("proxy", "--port", port_of(reference(start)), "--certificate", str(certificate))
    run = kit.check(url, "--ca-file", str(certificate), *SHORT)
    assert conformant(run), run.output
    run = kit.check(url, "--insecure", "-k", "test_offer")
    assert conformant(run), run.output
    run = kit.check(url, "-k", "test_offer")
    assert run.code == 4, run.output
    assert "certificate" in run.output
    assert "--ca-file" in run.output


def write_certificate(path: Path) -> None:
    """Write a self-signed certificate for localhost, and its key, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))

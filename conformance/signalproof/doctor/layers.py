"""Below HTTP: the name, the TCP port, and TLS of a URL, looked at one after the other."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_address
from time import perf_counter
from urllib.parse import urlsplit

from signalproof.doctor.observations import Mark, Observation, blocked, good, note

__all__ = ["first_obstacle", "look", "speaks_tls"]

SOON = 14
"""Days before the end of a certificate from which it is worth a note."""
_OTHER_NAME, _DATES, _SELF_SIGNED = frozenset({62, 64}), frozenset({9, 10}), frozenset({18, 19})
"""What OpenSSL calls the reasons why it does not take a certificate (openssl-verification-options, X509_V_ERR)."""


async def look(url: str, tls: ssl.SSLContext | None, timeout: float) -> AsyncIterator[Observation]:
    """Look at the layers below HTTP, and stop at the first that blocks."""
    parts = urlsplit(url)
    host, secure = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        async with asyncio.timeout(timeout):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no answer"
        yield blocked(
            "name",
            f"the name {host} cannot be resolved: {reason}",
            "Is it spelt right, and does this machine reach a name server that knows it?",
        )
        return
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    with contextlib.suppress(ValueError):
        ip_address(host)
        addresses = [host]
    yield good("name", f"{host} is {', '.join(addresses)}" if addresses != [host] else f"{host} is an address")
    tcp = await _tcp(addresses, port, timeout)
    yield tcp
    if secure and tcp.mark is not Mark.BLOCKED:
        yield await _tls(host, port, tls, timeout)


async def first_obstacle(url: str, tls: ssl.SSLContext | None, timeout: float) -> Observation | None:
    """Give the first layer that blocks, or None."""
    async for observation in look(url, tls, timeout):
        if observation.mark is Mark.BLOCKED:
            return observation
    return None


async def speaks_tls(url: str, timeout: float) -> bool:
    """Whether the port of a URL takes a TLS handshake, whoever vouches for it."""
    parts = urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or 80, ssl=context)
    except (OSError, TimeoutError):
        return False
    await _close(writer)
    return True


async def _tcp(addresses: list[str], port: int, timeout: float) -> Observation:
    failures: dict[str, str] = {}
    for address in addresses:
        began = perf_counter()
        try:
            async with asyncio.timeout(timeout):
                _, writer = await asyncio.open_connection(address, port)
        except TimeoutError:
            failures[address] = f"no answer within {timeout:g} s"
        except OSError as error:
            failures[address] = "refused" if isinstance(error, ConnectionRefusedError) else str(error.strerror or error)
        else:
            elapsed = perf_counter() - began
            await _close(writer)
            seen = f"port {port} of {address} is open, {elapsed * 1000:.1f} ms"
            if not failures:
                return good("TCP", seen)
            return note(
                "TCP",
                f"{seen}; but not {_listed(failures)}",
                "Clients try the addresses in turn; let the server listen on all of them, or mend the name.",
            )
    if set(failures.values()) == {"refused"}:
        advice = "Is the server running, and are host, port and scheme (http or https) right?"
    else:
        advice = "Is the server running and reachable from here? A firewall may drop the packets."
    return blocked("TCP", f"port {port} cannot be reached: {_listed(failures)}", advice)


def _listed(failures: dict[str, str]) -> str:
    return ", ".join(f"{address} ({reason})" for address, reason in failures.items())


async def _tls(host: str, port: int, tls: ssl.SSLContext | None, timeout: float) -> Observation:
    context = tls or ssl.create_default_context()
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        return await _distrusted(error, host, port, context, timeout)
    except ssl.SSLError as error:
        return blocked(
            "TLS",
            f"port {port} does not speak TLS ({error.reason or error})",
            "Write http:// instead of https://, or give the port that speaks TLS.",
        )
    except (OSError, TimeoutError) as error:
        return blocked(
            "TLS",
            f"the handshake did not end well: {str(error) or f'no answer within {timeout:g} s'}",
            "Is this the port that speaks TLS? Write http:// if it is not.",
        )
    connection = writer.get_extra_info("ssl_object")
    version, certificate = connection.version(), connection.getpeercert()
    await _close(writer)
    if not certificate:
        return note("TLS", f"{version}; the certificate was not examined", "Leave --insecure out to examine it.")
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    days = (ends - datetime.now(UTC)).days
    seen = f"{version}, certificate valid until {ends:%Y-%m-%d} ({days} days)"
    return good("TLS", seen) if days > SOON else note("TLS", seen, "Renew the certificate.")


async def _distrusted(
    error: ssl.SSLCertVerificationError, host: str, port: int, context: ssl.SSLContext, timeout: float
) -> Observation:
    """Tell apart why a certificate is not taken: its name, its dates, or who vouches for it."""
    if error.verify_code in _OTHER_NAME:
        names = await _names(host, port, context, timeout)
        return blocked(
            "TLS",
            f"the certificate is for another name than {host}{f': {names}' if names else ''}",
            "Give the URL under a name of the certificate, get one for this name, or trust any with --insecure.",
        )
    if error.verify_code in _DATES:
        return blocked(
            "TLS", f"the certificate is out of date: {error.verify_message}", "Renew it, and is the clock here right?"
        )
    if error.verify_code in _SELF_SIGNED:
        return blocked(
            "TLS",
            f"the certificate is self-signed: {error.verify_message}, which this machine does not trust",
            "Trust it, or the authority that signed it, with --ca-file FILE, or any certificate with --insecure.",
        )
    return blocked(
        "TLS",
        f"the certificate cannot be trusted: {error.verify_message}",
        "Trust its authority with --ca-file FILE, or any certificate with --insecure. If browsers trust it, the server "
        "leaves out the certificates in between: serve the whole chain.",
    )


async def _names(host: str, port: int, trusted: ssl.SSLContext, timeout: float) -> str:
    """Give the names of a certificate whose authority is trusted."""
    context = ssl.create_default_context()
    context.check_hostname = False
    for authority in trusted.get_ca_certs(binary_form=True):
        context.load_verify_locations(cadata=authority)
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError):
        return ""
    certificate = writer.get_extra_info("ssl_object").getpeercert()
    await _close(writer)
    return ", ".join(str(value) for _, value in certificate.get("subjectAltName", ()))


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()

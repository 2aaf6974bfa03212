"""Writes a target file with everything in it that there is to say, most of it commented out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from signalproof.config.options import TABLE

__all__ = ["render", "toml"]

EXAMPLES: Mapping[str, str] = {
    "socket_url": '"https://rt.example.org"',
    "profiles": '["core", "ice"]',
    "timeout": "5",
    "rate": "20",
    "concurrency": "16",
    "examples": "12",
    "seed": "0",
    "report": '"signalproof-report"',
    "ca_file": '"authority.pem"',
    "jwt_secret": '{ file = "secret" }',
    "jwt_key": '{ file = "key.pem" }',
    "token_command": '"./print-token {login}"',
}
TABLES: Mapping[str, tuple[str, str]] = {
    "headers": ("Headers to send with every request.", 'X-Key = { env = "CHAT_KEY" }'),
    "jwt_claims": ("Claims of signed tokens, beside sub, iat and exp.", 'aud = "chat"'),
    "limits": ("Limits of the server, where its discovery document does not say them.", "ringing_seconds = 90"),
}
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def render(values: Mapping[str, Any], about: list[str]) -> str:
    """Give the text of a target file with these values, and `about` as comments on top."""
    return "\n".join([*_head(about), *_top(values), *_tables(values)]) + "\n"


def _head(about: list[str]) -> Iterator[str]:
    yield "# Target file of Signalproof: where a VCSP/1 server is, and how to check it."
    yield "# `signalproof check` in this folder reads it, and `--target-file` reads it from elsewhere; options on the"
    yield "# command line win. Paths are relative to this file. A line that begins with # says nothing."
    for line in about:
        yield f"# {line}"


def _top(values: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "# Base URL of the HTTP endpoints."
    yield f"url = {toml(values.get('url', ''))}"
    for option in TABLE:
        key = option.file_key
        if not key or key in TABLES:
            continue
        yield ""
        yield f"# {option.help}"
        if key in {"jwt_secret", "jwt_key"}:
            yield '# Keep secrets elsewhere: { env = "VARIABLE" }, { file = "path" } or { command = "program" }.'
        if key in values:
            yield f"{key} = {toml(values[key])}"
        else:
            plain = "true" if option.metavar is None else '"…"' if option.kind is str else "1"
            yield f"# {key} = {EXAMPLES.get(key, plain)}"


def _tables(values: Mapping[str, Any]) -> Iterator[str]:
    for name, (about, example) in TABLES.items():
        yield ""
        yield f"# {about}"
        if values.get(name):
            yield f"[{name}]"
            for key, value in values[name].items():
                yield f"{key if _BARE.fullmatch(key) else toml(key)} = {toml(value)}"
        else:
            yield f"# [{name}]"
            yield f"# {example}"
    yield ""
    yield "# Fixed accounts, for servers on which logins cannot be invented; eight of them serve nearly all checks."
    if values.get("accounts"):
        for account in values["accounts"]:
            yield "[[accounts]]"
            yield from (f"{key} = {toml(value)}" for key, value in account.items())
    else:
        yield "# [[accounts]]"
        yield '# login = "alice"'
        yield '# token = { env = "ALICE_TOKEN" }'


def toml(value: object) -> str:
    """Write a value as TOML, in one line."""
    if isinstance(value, Mapping):
        parts = (f"{key if _BARE.fullmatch(key) else toml(key)} = {toml(part)}" for key, part in value.items())
        return f"{{ {', '.join(parts)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    # A basic string of TOML is one of JSON, but for U+007F, which has to be escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

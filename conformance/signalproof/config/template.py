"""Writes a target file with everything in it that there is to say, most of it commented out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from signalproof.config.options import TABLE

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Item, Table

__all__ = ["render"]

HEAD = (
    "Target file of Signalproof: where a VCSP/1 server is, and how to check it.",
    "`signalproof check` in this folder reads it, and `--target-file` reads it from elsewhere; options on the",
    "command line win. Paths are relative to this file. A line that begins with # says nothing.",
)
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
    "jwt_secret": '{file = "secret"}',
    "jwt_key": '{file = "key.pem"}',
    "token_command": '"./print-token {login}"',
}
TABLES: Mapping[str, tuple[str, str]] = {
    "headers": ("Headers to send with every request.", 'X-Key = {env = "CHAT_KEY"}'),
    "jwt_claims": ("Claims of signed tokens, beside sub, iat and exp.", 'aud = "chat"'),
    "limits": ("Limits of the server, where its discovery document does not say them.", "ringing_seconds = 90"),
}
ACCOUNTS = "Fixed accounts, for servers on which logins cannot be invented; eight of them serve nearly all checks."
SECRETS = 'Keep secrets elsewhere: {env = "VARIABLE"}, {file = "path"} or {command = "program"}.'


def render(values: Mapping[str, Any], about: list[str]) -> str:
    """Give the text of a target file with these values, and `about` as comments on top."""
    import tomlkit

    file = tomlkit.document()
    _say(file, *HEAD, *about)
    _add_values(file, values)
    _add_tables(file, values)
    return tomlkit.dumps(file)


def _say(file: TOMLDocument, *lines: str) -> None:
    from tomlkit import comment

    for line in lines:
        file.add(comment(line))


def _add_values(file: TOMLDocument, values: Mapping[str, Any]) -> None:
    """Add what stands at the top: the values, and an example in a comment for each that is not given."""
    from tomlkit import nl

    file.add(nl())
    _say(file, "Base URL of the HTTP endpoints.")
    file.add("url", _item(values.get("url", "")))
    for option in TABLE:
        key = option.file_key
        if not key or key in TABLES:
            continue
        file.add(nl())
        _say(file, option.help, *([SECRETS] if key in {"jwt_secret", "jwt_key"} else []))
        if key in values:
            file.add(key, _item(values[key]))
        else:
            plain = "true" if option.metavar is None else '"…"' if option.kind is str else "1"
            _say(file, f"{key} = {EXAMPLES.get(key, plain)}")


def _add_tables(file: TOMLDocument, values: Mapping[str, Any]) -> None:
    """Add the tables, or an example in a comment for each."""
    from tomlkit import aot, nl

    for name, (about, example) in TABLES.items():
        file.add(nl())
        _say(file, about)
        if values.get(name):
            file.add(name, table := _table(values[name]))
            table.trivia.indent = ""  # right below what is said of it
        else:
            _say(file, f"[{name}]", example)
    file.add(nl())
    _say(file, ACCOUNTS)
    if values.get("accounts"):
        accounts = aot()
        for account in values["accounts"]:
            accounts.append(_table(account))
        file.add("accounts", accounts)
        accounts[0].trivia.indent = ""
    else:
        _say(file, "[[accounts]]", 'login = "alice"', 'token = {env = "ALICE_TOKEN"}')


def _table(values: Mapping[str, Any]) -> Table:
    from tomlkit import table

    made = table()
    for key, value in values.items():
        made.add(key, _item(value))
    return made


def _item(value: object) -> Item:
    """Make a value that stands in one line."""
    from tomlkit import inline_table, item

    if not isinstance(value, Mapping):
        return item(value)
    made = inline_table()
    for key, part in value.items():
        made.append(key, _item(part))
    return made

"""Target files: what they may hold, how they meet the command line, and what is said of those that are wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from signalproof.config import reading
from signalproof.config.identity import Accounts, Anonymous, Commanded, Minted
from signalproof.config.options import TABLE, Options
from signalproof.config.target_file import TargetFile
from signalproof.errors import InvalidTarget
from signalproof.protocol.requirements import PROFILES
from signalproof.protocol.resources import resource

SCHEMA = json.loads(resource("schemas", "target", "Target.json").read_text(encoding="utf-8"))
URL = 'url = "http://a.example"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder beside which nothing is."""
    return tmp_path


def written(folder: Path, text: str) -> Path:
    """Write a target file."""
    path = folder / "target.toml"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str, **option: object) -> Any:
    """Read a target file together with options of the command line; give target and identities."""
    return reading.read(Options.of({"target_file": str(written(folder, text)), **option}))


# ── the schema ─────────────────────────────────────────────────────────────────────────────────


def test_the_schema_knows_every_option() -> None:
    """What the command line can say, a file can; a few things only a file can."""
    Draft202012Validator.check_schema(SCHEMA)
    said = {option.file_key for option in TABLE if option.file_key}
    assert set(SCHEMA["properties"]) == said | {"url", "limits", "accounts"}


def test_the_schema_repeats_what_other_sources_say() -> None:
    """Profiles and limits."""
    assert SCHEMA["properties"]["profiles"]["items"]["enum"] == list(PROFILES)
    limits = json.loads(resource("schemas", "v1", "Limits.json").read_text(encoding="utf-8"))["properties"]
    assert list(SCHEMA["properties"]["limits"]["properties"]) == list(limits)


# ── wrong files ────────────────────────────────────────────────────────────────────────────────

WRONG = {
    "unknown": (URL + "timout = 3", "line 2: 'timout' is unknown: did you mean 'timeout'?"),
    "unknown_far": ("zzzzz = 3", "line 1: 'zzzzz' is unknown; it can be url, socket_url"),
    "nested": ("[limits]\nringing = 3", "line 2: 'ringing' is unknown: did you mean 'ringing_seconds'?"),
    "type": ('\n\ntimeout = "3"', "line 3: timeout has to be a number"),
    "boolean": ("serial = 1", "line 1: serial has to be true or false"),
    "date": ("url = 2026-01-01", "line 1: url has to be text in quotes"),
    "range": ("timeout = 0", "line 1: timeout has to be greater than 0"),
    "least": ("rate = 7.9", "line 1: rate has to be at least 8"),
    "whole": ("concurrency = 0", "line 1: concurrency has to be at least 1"),
    "profile": ('profiles = ["core", "icy"]', "line 1: profiles holds 'icy': did you mean 'ice'?"),
    "empty": ('url = ""', "line 1: url is empty"),
    "accounts": ("accounts = 7", "line 1: accounts has to be a list in [ ]"),
    "no_login": ("[[accounts]]\ntoken = 'x'", "line 1: this one of [[accounts]] lacks login"),
    "no_token": ("[[accounts]]\nlogin = 'x'", "line 1: this one of [[accounts]] lacks token"),
    "old": ("[[accounts]]\nlogin = 'x'\ntoken_env = 'X'", "line 3: 'token_env' is unknown: did you mean 'token'?"),
    "reference": ("jwt_secret = { envv = 'X' }", "line 1: 'envv' is unknown: did you mean 'env'?"),
    "two": ("jwt_secret = { env = 'X', file = 'y' }", "line 1: jwt_secret takes one of env, file and command"),
    "none": ("jwt_secret = {}", "line 1: jwt_secret takes one of env, file and command"),
    "not_toml": ("url = http://a.example", "is not TOML: Invalid value (at line 1, column 7)"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_a_file_that_is_wrong_is_explained(folder: Path, text: str, message: str) -> None:
    """With the line and the remedy."""
    with pytest.raises(InvalidTarget) as caught:
        TargetFile.read(written(folder, text))
    assert message in str(caught.value)
    assert str(folder / "target.toml") in str(caught.value)


def test_all_problems_are_told_at_once(folder: Path) -> None:
    """Up to five, a line each."""
    with pytest.raises(InvalidTarget) as caught:
        TargetFile.read(written(folder, "".join(f"x{n} = 1\n" for n in range(7))))
    lines = str(caught.value).splitlines()
    assert len(lines) == 6
    assert "line 1: 'x0'" in lines[0]
    assert lines[-1] == "and 2 more"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "not_text"])
def test_a_file_that_cannot_be_read_is_explained(folder: Path, content: bytes | None) -> None:
    """By its name."""
    path = folder / "target.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidTarget, match=r"the target file .*target\.toml (cannot be read|is not text)"):
        TargetFile.read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('url = "ftp://x"', r"target\.toml, line 1: url 'ftp://x' is not a base URL"),
        (f'{URL}socket_url = "ws://x"', r"target\.toml, line 2: socket_url 'ws://x' is not a base URL"),
        (f'{URL}ca_file = "none.pem"', r"target\.toml, line 2: ca_file .*none\.pem holds no certificates"),
        (f'{URL}token_command = "mint"', r"target\.toml, line 2: token_command needs \{login\}"),
        (f"{URL}jwt_claims = {{ aud = 'x' }}", r"line 2: jwt_claims goes with a secret or a key"),
        (f'{URL}jwt_secret = "x"\ntoken_command = "y {{login}}"', "jwt_secret and .*token_command exclude each other"),
        (f'{URL}profiles = ["core"]\njwt_secret = "x"', "tokens are given, but .*line 2: profiles leaves out auth"),
        ('timeout = 3', "names no url"),
    ],
)  # fmt: skip
def test_values_that_make_no_sense_are_explained(folder: Path, text: str, message: str) -> None:
    """By their place in the file, not by the option that was not given."""
    with pytest.raises(InvalidTarget, match=message):
        read(folder, text)


# ── what a file says ───────────────────────────────────────────────────────────────────────────


def test_a_file_can_say_everything_about_a_target(folder: Path) -> None:
    """Each value arrives where it belongs."""
    target, identities = read(
        folder,
        'url = "http://a.example/api/"\nsocket_url = "https://b.example"\nprofiles = ["ice"]\n'
        "timeout = 7\nrate = 12.5\nconcurrency = 3\nslow = true\ninsecure = true\n"
        "[headers]\nX-One = 'a:b'\n[limits]\nringing_seconds = 9\n",
    )
    assert (target.url, target.socket_url) == ("http://a.example/api", "https://b.example")
    assert target.profiles == ("core", "ice")
    assert target.profiles_reason.endswith("target.toml, line 3")
    assert (target.timeout, target.patient, target.rate, target.concurrency) == (7, False, 12.5, 3)
    assert target.slow
    assert target.tls is not None
    assert target.headers == (("X-One", "a:b"),)
    assert target.limits == {"ringing_seconds": 9}
    assert target.notes == (f"options from {folder / 'target.toml'}",)
    assert type(identities) is Anonymous


def test_the_command_line_wins(folder: Path) -> None:
    """Option by option, and header by header."""
    target, _ = read(
        folder,
        f"{URL}timeout = 7\nrate = 9\n[headers]\nX-One = '1'\nX-Two = '2'\n",
        target="http://b.example",
        timeout=1.5,
        header=["x-one: mine"],
    )
    assert (target.url, target.timeout, target.rate) == ("http://b.example", 1.5, 9)
    assert target.headers == (("x-one", "mine"), ("X-Two", "2"))


def test_the_run_is_described_too(folder: Path) -> None:
    """Report and strictness, for whoever runs the suite; paths are relative to the file."""
    option = reading.complete(Options(target_file=str(written(folder, f"{URL}report = 'out'\nstrict = true"))))
    assert (option.report, option.strict, option.serial) == (str(folder / "out"), True, False)


# ── credentials ────────────────────────────────────────────────────────────────────────────────


def test_credentials_are_fetched_from_where_they_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment variable, a file beside the target file, a command, or the text itself."""
    monkeypatch.setenv("A_TOKEN", "from-env\n")
    (folder / "b").write_text("from-file\n", encoding="utf-8")
    command = f"{sys.executable} -c 'print(\"from-command\")'"
    sources = {
        "a": '{ env = "A_TOKEN" }',
        "b": '{ file = "b" }',
        "c": f"{{ command = {json.dumps(command)} }}",
        "d": '"itself"',
    }
    accounts = (f'[[accounts]]\nlogin = "{login}"\ntoken = {source}\n' for login, source in sources.items())
    text = URL + "".join(accounts)
    _, identities = read(folder, text)
    assert isinstance(identities, Accounts)
    assert identities.tokens == {"a": "from-env", "b": "from-file", "c": "from-command", "d": "itself"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{ env = "NO_SUCH_VARIABLE" }', "line 2: X-Key: the environment variable NO_SUCH_VARIABLE is not set"),
        ('{ file = "none" }', "line 2: X-Key: .*none cannot be read: FileNotFoundError"),
        ('{ file = "empty" }', "line 2: X-Key: .*empty is empty"),
        ('{ command = "no-such-program-here" }', "line 2: X-Key: the command cannot be run: FileNotFoundError"),
        (f'{{ command = "{sys.executable} -c exit(3)" }}', "line 2: X-Key: .*its exit code is 3"),
        ('{ command = "unbalanced \'" }', "line 2: X-Key: the command cannot be run: ValueError"),
    ],
)
def test_a_credential_that_is_missing_is_explained(folder: Path, source: str, message: str) -> None:
    """With line and source."""
    (folder / "empty").touch()
    with pytest.raises(InvalidTarget, match=message):
        read(folder, f"{URL}headers.X-Key = {source}")


def test_a_secret_in_the_file_signs_tokens(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the claims of file and command line."""
    monkeypatch.setenv("JWT_SECRET", "s" * 32)
    text = f"{URL}jwt_secret = {{ env = 'JWT_SECRET' }}\njwt_claims = {{ aud = 'chat', n = 1 }}"
    _, identities = read(folder, text, jwt_claim=["n=2"])
    assert isinstance(identities, Minted)
    assert (identities.key, identities.algorithm, identities.claims) == ("s" * 32, "HS256", {"aud": "chat", "n": 2})


def test_an_account_that_is_there_twice_is_named(folder: Path) -> None:
    """By its line: the last one would win unseen."""
    text = f"{URL}[[accounts]]\nlogin = 'a'\ntoken = 'x'\n[[accounts]]\nlogin = 'a'\ntoken = 'y'"
    with pytest.raises(InvalidTarget, match=r"line 6: login: there is another account with the login 'a'"):
        read(folder, text)


def test_a_source_of_tokens_on_the_command_line_puts_those_of_the_file_aside(folder: Path) -> None:
    """Also accounts, which a command line cannot name."""
    text = f"{URL}jwt_secret = {{ env = 'NO_SUCH_VARIABLE' }}\n[[accounts]]\nlogin = 'a'\ntoken = 'b'"
    _, identities = read(folder, text, token_command="mint {login}")
    assert isinstance(identities, Commanded)

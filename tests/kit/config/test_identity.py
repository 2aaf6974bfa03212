"""Where tokens come from: secrets, keys, commands, accounts; and that none of them is ever shown."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.kit.conftest import Kit
from tests.processes import running

from signalproof.config.identity import (
    Accounts,
    Anonymous,
    Commanded,
    Minted,
    load_key,
    parse_claims,
    parse_command,
    read_secret,
)
from signalproof.errors import InvalidTarget, NotTestable

SECRET = "a secret of this test and of nothing else"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
SHORT = ("-k", "test_auth or crossed")
KEYS: dict[str, Callable[[], PrivateKey]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
}


def write_keys(folder: Path, key: PrivateKey) -> tuple[Path, Path]:
    """Write a private and a public key in PEM."""
    private, public = folder / "private.pem", folder / "public.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start the reference server with authentication options, and give its URL."""
    with ExitStack() as stack:

        def start(*options: str) -> str:
            command = ("-m", "signalproof_server", "--port", "0", "--log-level", "error", *options)
            line = stack.enter_context(running(sys.executable, *command, folder=tmp_path)).line()
            assert "listening" in line, line
            return line.rpartition(" ")[2]

        yield start


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file with a secret."""
    path = tmp_path / "secret"
    path.write_text(SECRET, encoding="utf-8")
    return path


def test_without_authentication_there_are_no_tokens() -> None:
    """Logins are taken as suggested."""
    anonymous = Anonymous()
    assert anonymous.claim("man") == "man"
    assert asyncio.run(anonymous.token("man")) is None
    assert asyncio.run(anonymous.expired("man")) is None


def test_minted_tokens_name_the_login_and_hold_the_claims() -> None:
    """`sub` wins over a claim of that name; an expired token is expired."""
    minted = Minted(SECRET, "HS256", {"aud": "chat", "sub": "somebody"})
    claims = jwt.decode(asyncio.run(minted.token("man")) or "", SECRET, algorithms=["HS256"], audience="chat")
    assert claims["sub"] == "man"
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(asyncio.run(minted.expired("man")) or "", SECRET, algorithms=["HS256"], audience="chat")
    assert SECRET not in repr(minted)


@pytest.mark.parametrize("algorithm", KEYS)
def test_the_key_decides_the_algorithm(tmp_path: Path, algorithm: str) -> None:
    """RSA means RS256, P-256 means ES256."""
    private, public = write_keys(tmp_path, KEYS[algorithm]())
    key, found = load_key(private)
    assert found == algorithm
    token = asyncio.run(Minted(key, found).token("man")) or ""
    assert jwt.decode(token, public.read_text(encoding="utf-8"), algorithms=[algorithm])["sub"] == "man"


@pytest.mark.parametrize(
    "content",
    ["", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"],
    ids=["empty", "text", "broken"],
)
def test_what_is_no_private_key_is_refused(tmp_path: Path, content: str) -> None:
    """With the option's name, without the content."""
    path = tmp_path / "key.pem"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidTarget, match="--jwt-key-file") as caught:
        load_key(path)
    assert "AAAA" not in str(caught.value)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Ed25519 has no algorithm here."""
    private, _ = write_keys(tmp_path, ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(InvalidTarget, match="RSA key or an EC key"):
        load_key(private)


def test_a_secret_that_cannot_be_read_is_explained(tmp_path: Path) -> None:
    """Missing, or a folder."""
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(InvalidTarget, match=r"--jwt-secret-file .* cannot be read"):
            read_secret(path, "--jwt-secret-file")


def test_claims_are_json_or_text() -> None:
    """Numbers, lists and words."""
    assert parse_claims(["aud=chat", "n=7", 'roles=["a"]', "x=a=b"]) == {
        "aud": "chat",
        "n": 7,
        "roles": ["a"],
        "x": "a=b",
    }
    for line in ("aud", "=x"):
        with pytest.raises(InvalidTarget, match="--jwt-claim"):
            parse_claims([line])


@pytest.mark.parametrize("text", ["make-token", "make-token 'x {login}"], ids=["no_login", "open_quote"])
def test_a_command_line_that_cannot_work_is_refused(text: str) -> None:
    """Before anything is run."""
    with pytest.raises(InvalidTarget, match="--token-command"):
        parse_command(text, 1)


def test_a_command_prints_the_token_of_a_login_once() -> None:
    """The second time it is remembered."""
    command = Commanded(
        [sys.executable, "-c", "import sys, uuid; print(sys.argv[1] + uuid.uuid4().hex)", "{login}"], 10
    )

    async def twice() -> tuple[str | None, str | None]:
        return await command.token("man"), await command.token("man")

    first, second = asyncio.run(twice())
    assert first == second
    assert first is not None
    assert first.startswith("man")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("print('s3cret and more')", "one token and nothing else"),
        ("print('')", "one token and nothing else"),
        ("print('s3cret'); raise SystemExit(3)", "exit code 3"),
        ("input(); import threading; threading.Event().wait()", "exit code 1"),
        ("import threading; threading.Event().wait(20)", "no token within"),
    ],
    ids=["two_words", "nothing", "failure", "asks", "hangs"],
)
def test_a_command_that_prints_no_token_is_explained(program: str, message: str) -> None:
    """Without what it printed."""
    command = Commanded([sys.executable, "-c", program, "{login}"], 2)
    with pytest.raises(InvalidTarget, match=message) as caught:
        asyncio.run(command.token("man"))
    assert "s3cret" not in str(caught.value)


def test_accounts_are_drawn_in_turn_and_given_back() -> None:
    """Whoever needs one more than there are cannot be tested."""
    accounts = Accounts({"alice": "a", "bob": "b"})
    assert (accounts.claim("x"), accounts.claim("y")) == ("alice", "bob")
    with pytest.raises(NotTestable, match="more than the 2 accounts"):
        accounts.claim("z")
    accounts.release()
    assert accounts.claim("x") == "alice"
    assert asyncio.run(accounts.token("bob")) == "b"
    with pytest.raises(NotTestable, match="special form"):
        asyncio.run(accounts.token("carol"))


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_private_key_opens_a_guarded_server(
    kit: Kit, guarded: Callable[..., str], tmp_path: Path, algorithm: str
) -> None:
    """The server knows the public key only."""
    private, public = write_keys(tmp_path, KEYS[algorithm]())
    url = guarded("--auth-public-key-file", str(public))
    run = kit.check(url, "--jwt-key-file", str(private), *SHORT)
    assert run.code == 0, run.output


def test_a_command_opens_a_guarded_server(kit: Kit, guarded: Callable[..., str], secret: Path, tmp_path: Path) -> None:
    """As it stands in the documentation."""
    program = tmp_path / "print_token.py"
    program.write_text(
        "import jwt, pathlib, sys\n"
        f"print(jwt.encode({{'sub': sys.argv[1]}}, pathlib.Path({str(secret)!r}).read_text(), algorithm='HS256'))\n",
        encoding="utf-8",
    )
    url = guarded("--auth-secret-file", str(secret))
    run = kit.check(
        url, "--token-command", f"{sys.executable} {program} {{login}}", "-k", "crossed or forged or expired"
    )
    assert run.code == 0, run.output
    assert "not run: test_an_expired_token_is_worth_nothing: an expired token can only be made" in run.output


def test_fixed_accounts_take_turns(kit: Kit, guarded: Callable[..., str], secret: Path, tmp_path: Path) -> None:
    """What needs more accounts or invented logins is listed as not run; no token is shown."""
    tokens = {f"user{n}": jwt.encode({"sub": f"user{n}"}, SECRET, algorithm="HS256") for n in range(8)}
    lines = [f'[[accounts]]\nlogin = "{login}"\ntoken = "{token}"\n' for login, token in tokens.items()]
    file = tmp_path / "target.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    url = guarded("--auth-secret-file", str(secret))
    run = kit.check(url, "--target-file", str(file), "-k", "test_login or test_call or forged")
    assert run.code == 0, run.output
    assert "it needs a login of a special form" in run.output
    assert "it needs more than the 8 accounts" in run.output
    assert run.report is not None
    assert run.report["summary"]["passed"] > 20
    shown = run.output + str(run.report)
    assert not [token for token in tokens.values() if token in shown]


def test_a_guarded_server_without_tokens_is_explained(kit: Kit, guarded: Callable[..., str], secret: Path) -> None:
    """Exit code 4, and the options that help."""
    run = kit.check(guarded("--auth-secret-file", str(secret)))
    assert run.code == 4, run.output
    assert "--jwt-secret-file" in run.output


def test_a_wrong_secret_is_explained(kit: Kit, guarded: Callable[..., str], secret: Path, tmp_path: Path) -> None:
    """The server refuses the connection; the secret is not shown."""
    other = tmp_path / "other"
    other.write_text(f"another {SECRET}", encoding="utf-8")
    run = kit.check(guarded("--auth-secret-file", str(secret)), "--jwt-secret-file", str(other))
    assert run.code == 4, run.output
    assert "refused the connection" in run.output
    assert SECRET not in run.output

"""`signalproof init`: the file it writes is complete, valid, and without secrets; and `check` takes it."""

from __future__ import annotations

import re
import socket
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from signalproof.cli import init, main
from signalproof.config.options import TABLE
from signalproof.config.target_file import TargetFile
from signalproof.config.template import render

if TYPE_CHECKING:
    from tests.kit.conftest import Kit, Served

Serve = Callable[[str], "Served"]


@pytest.fixture
def nowhere() -> Iterator[str]:
    """A URL where nothing listens, nor can."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_init(*arguments: str, typed: str | None = None) -> Result:
    """Run `signalproof init`."""
    return CliRunner().invoke(main, ["init", *arguments], input=typed)


def test_a_bare_file_says_all_that_can_be_said(tmp_path: Path) -> None:
    """Every option stands in it as a comment that becomes right when it is uncommented."""
    path = tmp_path / "target.toml"
    path.write_text(render({"url": "http://a.example"}, []), encoding="utf-8")
    bare = TargetFile.read(path)
    assert bare.values == {"url": "http://a.example"}
    whole = re.sub(
        r"^# (?=\w+ = |\[)", "", re.sub(r"^# (?=X-Key)", "", bare.text, flags=re.MULTILINE), flags=re.MULTILINE
    )
    path.write_text(whole, encoding="utf-8")
    values = TargetFile.read(path).values
    said = {option.file_key for option in TABLE if option.file_key}
    assert set(values) == said | {"url", "limits", "accounts"}


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        'quote " and \\',
        "line\nbreak\ttab\x00\x1f\x7f",
        "ünïcödé 🎥",
        1,
        2.5,
        True,
        ["a", 1],
        {"a b": {"c": "d"}},
    ],
)
def test_values_survive_being_written(value: object) -> None:
    """Any text, number, list and table, under any name."""
    headers = {"x": value, "a.b c": value}
    assert tomllib.loads(render({"url": "u", "headers": headers}, []))["headers"] == headers


def test_the_server_is_looked_at_and_the_file_is_usable(kit: Kit, serve: Serve) -> None:
    """What was found stands in the comments; then `check` needs no URL and says what it reads."""
    url = serve("Assembly").url
    written = kit.run("init", url, "--timeout", "7")
    assert written.code == 0, written.output
    assert "with the profiles core, ice, call, presence, correlation (claimed by" in written.output
    assert "wrote target.toml; next: signalproof check" in written.output
    text = (kit.folder / "target.toml").read_text(encoding="utf-8")
    assert "with the profiles core, ice, call" in text
    assert tomllib.loads(text) == {"url": url, "timeout": 7.0}
    run = kit.check("-k", "test_repeating_the_same_login_is_harmless")
    assert run.code == 0, run.output
    assert f"conformance of {url}" in run.output
    assert "note: options from target.toml" in run.output


def test_a_file_in_the_folder_is_not_used_for_another_server(kit: Kit, serve: Serve) -> None:
    """Else its headers and tokens would go where they do not belong."""
    (kit.folder / "target.toml").write_text("this would be an error", encoding="utf-8")
    run = kit.check(serve("Assembly").url, "-k", "test_repeating_the_same_login_is_harmless")
    assert run.code == 0, run.output
    assert "target.toml" not in run.output


def test_pytest_takes_a_target_file_alone(kit: Kit, serve: Serve) -> None:
    """With the URL in it, and options of the run."""
    file = kit.folder / "t.toml"
    file.write_text(f'url = "{serve("GivesNoCodes").url}"\nstrict = true\nreport = "out"\n', encoding="utf-8")
    run = kit.pytest("--target-file", str(file), "-k", "test_refusals_carry_a_code_of_the_registry")
    assert run.code == 1, run.output
    assert run.report is not None
    assert run.report["verdict"] == "nonconformant"


def test_a_server_that_is_not_there_yet_is_no_obstacle(folder: Path, nowhere: str) -> None:
    """The file says so."""
    result = run_init(nowhere)
    assert result.exit_code == 0, result.output
    assert f"could not be checked: Nothing usable answers at {nowhere}" in result.output
    assert "could not be checked" in (folder / "target.toml").read_text(encoding="utf-8")
    assert TargetFile.read(folder / "target.toml").values == {"url": nowhere}


def test_a_file_that_is_there_is_kept(folder: Path, nowhere: str) -> None:
    """Unless it is to be overwritten."""
    path = folder / "target.toml"
    path.write_text("mine", encoding="utf-8")
    result = run_init(nowhere)
    assert "target.toml is there already: --force overwrites it" in result.output
    assert result.exit_code != 0
    assert path.read_text(encoding="utf-8") == "mine"
    assert run_init(nowhere, "--force").exit_code == 0
    assert "url = " in path.read_text(encoding="utf-8")


def test_no_secret_is_written(folder: Path, nowhere: str) -> None:
    """Only where it is: a header's in the environment, a key in its file, seen from the target file."""
    (folder / "secret").write_text("s3cret" * 8, encoding="utf-8")
    options = ["--header", "Authorization: Bearer s3cret", "--header", "X-Plain: yes", "--jwt-claim", "aud=chat"]
    result = run_init(nowhere, *options, "--jwt-secret-file", "secret", "--output", "sub/t.toml")
    assert result.exit_code == 0, result.output
    text = (folder / "sub" / "t.toml").read_text(encoding="utf-8")
    assert "s3cret" not in text + result.output
    values = tomllib.loads(text)
    assert values["headers"] == {"Authorization": {"env": "AUTHORIZATION"}, "X-Plain": "yes"}
    assert values["jwt_secret"] == {"file": "../secret"}
    assert values["jwt_claims"] == {"aud": "chat"}
    assert "put it into the environment variable AUTHORIZATION" in result.output
    assert "signalproof check --target-file sub/t.toml" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "there is no terminal to ask on"),
        (("ftp://x",), "the URL 'ftp://x' is not a base URL"),
        (("http://a.example", "--profiles", "icy"), "there is no profile 'icy'"),
        (("http://a.example", "--target-file", "x"), "names a file to read"),
    ],
)
def test_a_misuse_is_explained(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    """And nothing is written."""
    result = run_init(*arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert not (folder / "target.toml").exists()


@pytest.mark.parametrize(
    ("answers", "values"),
    [
        (["no"], {}),
        (["secret", "s"], {"jwt_secret": {"file": "s"}}),
        (["command", "mint {login}"], {"token_command": "mint {login}"}),
        (["accounts"], {"accounts": [{"login": "alice", "token": {"env": "ALICE_TOKEN"}}]}),
    ],
)
def test_on_a_terminal_it_asks(
    folder: Path, nowhere: str, monkeypatch: pytest.MonkeyPatch, answers: list[str], values: dict[str, object]
) -> None:
    """For the URL, and for where tokens come from."""
    (folder / "s").write_text("s" * 32, encoding="utf-8")
    monkeypatch.setattr(init, "on_terminal", lambda: True)
    result = run_init(typed="\n".join([nowhere, *answers]) + "\n")
    assert result.exit_code == 0, result.output
    assert TargetFile.read(folder / "target.toml").values == {"url": nowhere, **values}

"""`explain`, `completion` and `serve`: the commands beside the judging ones."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from signalproof.cli import main
from signalproof.protocol.coverage import checks_by_requirement, purposes
from signalproof.protocol.explanation import explain, fixes, meant
from signalproof.protocol.requirements import catalogue

if TYPE_CHECKING:
    from tests.kit.conftest import Kit


def explained(*words: str) -> str:
    """Run `signalproof explain`, and give what it prints, with single spaces."""
    result = CliRunner().invoke(main, ["explain", *words])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_each_requirement_has_a_typical_fix() -> None:
    """And none is given for what the specification does not have."""
    assert set(fixes()) == set(catalogue())
    assert all(text.endswith(".") for text in fixes().values())


def test_each_check_says_what_it_is_about() -> None:
    """In one sentence."""
    about = purposes()
    for names in checks_by_requirement().values():
        assert all(about[name].endswith(".") for name in names)


def test_a_requirement_is_explained() -> None:
    """Sentence, reason, checks and fix, and nothing of the next one."""
    text = explained("OFFER-4")
    assert text.startswith("OFFER-4 MUST, profile core, spec/offer.md: Delivery")
    assert catalogue()["OFFER-4"].sentence in text
    assert "Why: peers may hash or sign descriptions" in text
    assert "test_offer::test_the_description_is_forwarded_character_for_character" in text
    assert "signalproof check URL -k test_the_description" in text
    assert f"typical fix {fixes()['OFFER-4']}" in text
    assert "OFFER-5" not in text


def test_every_requirement_can_be_explained() -> None:
    """Links become words, and code stays as it is."""
    for identifier in catalogue():
        explanation = explain(identifier)
        assert explanation.section
        assert not re.search(r"\]\(\S+\)", explanation.sentence + explanation.context)
        assert "**[" not in explanation.context
    assert "HTTP/1.1 200 OK" in explain("HTTP-15").context


@pytest.mark.parametrize("columns", ["80", "140"])
def test_lists_and_tables_stay_what_they_are(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items hang, and a table has its lines."""
    monkeypatch.setenv("COLUMNS", columns)
    items = CliRunner().invoke(main, ["explain", "AUTH-3"]).output.partition("\nchecks")[0]
    assert re.search(r"\n  3\. the sid: [^\n]+\n     \S", items)
    assert all(len(line) <= int(columns) for line in items.splitlines())
    table = CliRunner().invoke(main, ["explain", "CORR-3"]).output
    assert "\n    | `offer_id` names | code of the refusal |\n" in table


@pytest.mark.parametrize("word", ["HTTP-7b", "http-7B", "http7b", "[HTTP-7b]"])
def test_an_id_may_be_written_in_other_ways(word: str) -> None:
    """As long as letters and digits are right."""
    assert meant(word) == ("HTTP-7b", [])


@pytest.mark.parametrize(
    ("word", "message"),
    [("offr-4", "did you mean OFFER-4"), ("sec", "did you mean SEC-1, SEC-2, SEC-3?"), ("zzz", "signalproof list")],
)
def test_an_unknown_id_is_answered_with_the_nearest(word: str, message: str) -> None:
    """Or the topic's, or where they all are."""
    result = CliRunner().invoke(main, ["explain", word])
    assert result.exit_code != 0
    assert message in result.output


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("chek", "did you mean 'check'?"),
        ("frobnicate", "it can be check, doctor, init"),
        ("http://a.example", "write: signalproof check http://a.example"),
    ],
)
def test_an_unknown_command_is_answered_with_the_nearest(kit: Kit, word: str, message: str) -> None:
    """Exit code 4, as for every misuse."""
    run = kit.run(word)
    assert run.code == 4, run.output
    assert message in run.output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("signalproof ex", "plain,explain"),
        ("signalproof explain offer-1", "plain,OFFER-1"),
        ("signalproof check --profiles core,i", "plain,core,ice"),
        ("signalproof check --target-f", "plain,--target-file"),
    ],
)
def test_words_are_completed(kit: Kit, words: str, expected: str) -> None:
    """As bash asks for it: commands, ids, profiles and options."""
    parts = words.split()
    environment = {"_SIGNALPROOF_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(parts) - 1)}
    code = "import sys; sys.argv[0] = 'signalproof'; from signalproof.cli import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=30, check=False, cwd=kit.folder,
    )  # fmt: skip
    assert expected in done.stdout.splitlines(), done


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(shell: str) -> None:
    """For the shell that was named."""
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert f"_SIGNALPROOF_COMPLETE={shell}_complete" in result.output


def test_serve_is_the_reference_server(kit: Kit) -> None:
    """With its options, its start line, and its end by SIGTERM."""
    with kit.running("serve", "--root-path", "/api") as process:
        assert re.search(r"http://127\.0\.0\.1:\d+/api$", process.line())
        process.send_signal(signal.SIGTERM)
        process.finish(10)
    helped = kit.run("serve", "--help")
    assert helped.code == 0
    assert "--ping-interval" in helped.output

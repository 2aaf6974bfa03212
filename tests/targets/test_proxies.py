"""The kit against a sound server behind real proxies: those that are right, and those of which people report."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.kit.conftest import Finished
from tests.processes import running
from tests.targets import proxies
from tests.targets.proxies import PACKAGES, RIGHT, WRONG, Proxy, in_front, program
from tests.targets.test_targets import PATIENT, check

from signalproof.protocol.requirements import Level, catalogue


@contextmanager
def serving(folder: Path, proxy: Proxy, servers: int = 1) -> Iterator[str]:
    """Run reference servers and a proxy before them, and give its URL."""
    command = (sys.executable, "-m", "signalproof_server", "--port", "0", "--log-level", "error")
    with ExitStack() as stack:
        running_servers = [stack.enter_context(running(*command, folder=folder)) for _ in range(servers)]
        urls = [server.line().rpartition(" ")[2] for server in running_servers]
        yield stack.enter_context(in_front(proxy, folder / "proxy", *urls))


def broken(run: Finished) -> set[str]:
    """Give the requirements that a run found broken, or not followed."""
    return {identifier for row in (run.report or {"results": []})["results"] for identifier in row["violated"]}


@pytest.mark.parametrize("name", RIGHT)
def test_a_server_behind_a_proxy_conforms(tmp_path: Path, name: str) -> None:
    """All of it, with nothing to warn of."""
    with serving(tmp_path, RIGHT[name]) as url:
        run = check(tmp_path, PATIENT, url)
    assert run.code == 0, run.output
    assert f"verdict: {url} is CONFORMANT" in run.output
    assert not broken(run), run.output


@pytest.mark.parametrize("name", WRONG)
def test_a_proxy_that_breaks_something_is_found_and_named(tmp_path: Path, name: str) -> None:
    """By the requirement that it breaks, or by why nothing can be judged; what is to be changed is said."""
    wrong = WRONG[name]
    with serving(tmp_path, wrong.proxy, wrong.servers) as url:
        run = check(tmp_path, PATIENT, url, "-k", wrong.checks)
    assert wrong.says in run.output, run.output
    level = catalogue()[wrong.id].level if wrong.id else None
    assert run.code == {Level.MUST: 1, Level.SHOULD: 0, None: 4}[level], run.output
    assert {wrong.id} - {""} <= broken(run), run.output


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("ci", ["", "true"])
def test_a_proxy_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str, ci: str) -> None:
    """Where `CI` is `true` a test may not be skipped for it."""
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(proxies, "FOLDERS", ())
    with pytest.raises(BaseException, match=f"apt-get install {PACKAGES[name]}") as ending:
        program(name)
    assert ending.typename == ("Failed" if ci else "Skipped")

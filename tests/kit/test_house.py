"""Rules of the house that can be read from the source: no sleep, no fixed port, no import through a wall."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from tests.kit.waits import ages, pauses, sleeps, timers, waits_for_nobody

import signalproof
import signalproof_server

KIT = Path(signalproof.__file__).parent
SERVER = Path(signalproof_server.__file__).parent
TESTS = Path(__file__).parent
ALL_TESTS = TESTS.parent
HOSTS = {"localhost", "127.0.0.1", "::1", "0.0.0.0"}
LOCAL_ADDRESS = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):\d{2,5}")
EXAMPLES: Final = {
    "call.py": re.compile(r"\bsignalproof call http://127\.0\.0\.1:8000"),
    "check.py": re.compile(r"\bsignalproof check http://127\.0\.0\.1:8000"),
    "doctor.py": re.compile(r"\bsignalproof doctor http://127\.0\.0\.1:8000"),
    "group.py": re.compile(r"\bsignalproof check http://127\.0\.0\.1:8000"),
    "init.py": re.compile(r"\bsignalproof init http://127\.0\.0\.1:8000|^http://127\.0\.0\.1:8000$"),
    "parameters.py": re.compile(r"such as http://127\.0\.0\.1:8000"),
    "target.py": re.compile(r"write it like .* or http://127\.0\.0\.1:8000/api"),
}
"""Texts for people that show what a URL looks like, by module: no address may stand in any other text."""
SKIPPING: Final = {
    "kit/browser.py": "a browser",
    "targets/proxies.py": "nginx, HAProxy and Caddy",
    "test_codegen.py": "Node.js and generators",
}
"""Modules of tests that need what a machine may lack, and what that is."""
PAUSES: Final = {
    "cast/company.py: Company.pause": "for checks, which know the cast alone",
    "cast/presence.py: Presence.until": "nothing tells that the list of who is online has changed",
    "cast/company.py: Company.vacate": "nor that a sid is no longer known",
    "cli/conversation.py: _talk": "a call lasts as long as the operator says",
    "net/rate_limit.py: Pace.turn": "a rate is about time",
    "run/loop_lag.py: LoopLag._tick": "so is how late the loop is",
    "cast/raw_access.py: RawAccess.visit": "half of the time that an acknowledgement takes, and not the whole",
    "suite/test_login.py: test_a_visit_of_a_moment_leaves_no_sid_behind": "LOGIN-7 gives a sid a second",
    "suite/test_login.py: test_a_connection_is_pinged_in_the_time_that_was_announced": "and pings",
    "suite/test_login.py: test_a_connection_stays_open_while_nothing_is_said": "LOGIN-11 is about idle connections",
    "suite/test_order.py: test_nothing_is_forgotten_while_people_take_their_time": "ORDER-6 is about time",
    "cast/raw_access.py: Guest.leave": "around the moment of an event, and not all at once",
    "suite/test_ice.py: test_early_candidates_are_held_until_shortly_before_their_time_is_over": "so is holding",
    "suite/test_presence.py: test_54_visits_of_a_moment_leave_no_ghost": "PRES-2 gives the list a second",
    "cast/company.py: Company._until_gone": "a target that forgets a sid tells nobody",
    "cast/company.py: Company.until_known.wait": "nor does one that comes to know it",
    "run/pulse.py: Pulse._silence": "a target that restarts, or is busy for a moment, is not dead",
    "run/runner.py: Run._wait_as_long_as_the_specification": "ORDER-3 gives an event 5 s, whoever waits",
    "run/runner.py: Run.settle": "the tail window: only time can tell that nothing more comes",
    "suite/test_call.py: test_ringing_expires": "CALL-11 is about the time of ringing",
}
"""Who lets time pass, and why nothing else would do."""
PAUSES_OF_TESTS: Final = {
    "run/test_loop_lag.py: measure.run": "how late the loop is",
    "net/test_pool.py: test_a_connection_that_is_closed_while_idle_costs_nobody_a_request.look.visit": "idle time",
    "net/test_pool.py: test_an_idle_connection_is_given_up_after_a_second.look": "so is this",
}
HEAVY: Final = ("aiohttp", "aioice", "aiortc", "av", "hypothesis", "jinja2", "jsonschema", "rich", "socketio")

Finder = Callable[[ast.AST], Iterator[str]]


def modules(folder: Path) -> Iterator[Path]:
    """Give all modules of a package."""
    return iter(sorted(folder.rglob("*.py")))


def tree_of(path: Path) -> ast.Module:
    """Parse one module."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def trees(folder: Path) -> Mapping[str, ast.Module]:
    """Parse every module of a package, once for all rules."""
    return {path.relative_to(folder).as_posix(): tree_of(path) for path in modules(folder)}


def findings(parsed: Mapping[str, ast.Module], find: Finder) -> list[str]:
    """Apply a finder to every module of a package."""
    assert parsed
    return [f"{name}: {found}" for name, tree in parsed.items() for found in find(tree)]


def one_shots(tree: ast.AST) -> Iterator[str]:
    """Find every call of a method `once`: such a listener misses what comes while it is not there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "once":
            yield ast.unparse(node)


def texts(tree: ast.AST) -> Iterator[str]:
    """Give all string constants but docstrings."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def skips(tree: ast.AST) -> Iterator[str]:
    """Find every test that is switched off or may fail: such a test tests nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"skip", "skipif", "xfail", "importorskip"}:
            yield ast.unparse(node)


def short_names(tree: ast.AST) -> Iterator[str]:
    """Find every caught exception that has an abbreviation for a name: call it error, or what it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.name in {"e", "err", "ex", "exc", "exception"}:
            yield ast.unparse(node).partition(":")[0]


def fixed_ports(tree: ast.AST) -> Iterator[str]:
    """Find every port that is chosen in the source: 0 is any free one, and all others may be taken."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            chosen = [keyword.value for keyword in node.keywords if keyword.arg == "port"]
            parts = [node.args, *(part.elts for part in node.args if isinstance(part, ast.List | ast.Tuple))]
            for part in parts:
                chosen += [port for option, port in pairwise(part) if _literal(option) == "--port"]
                chosen += [port for host, port in pairwise(part) if _literal(host) in HOSTS]
            if any(re.fullmatch(r"[1-9]\d*", str(_literal(port))) for port in chosen):
                yield ast.unparse(node)


def _literal(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def local_addresses(tree: ast.AST) -> Iterator[str]:
    """Find every address of this machine with a port in it."""
    return (text for text in texts(tree) if LOCAL_ADDRESS.search(text))


# ── the rules ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("folder", "where"), [(KIT, ["pause.py: asyncio.sleep"]), (TESTS, [])], ids=["kit", "tests"])
def test_nothing_sleeps(folder: Path, where: list[str]) -> None:
    """Absence is proven by a fence or the tail window, and whatever comes is waited for; `pause` lets time pass."""
    assert findings(trees(folder), sleeps) == where


@pytest.mark.parametrize("folder", [KIT, TESTS], ids=["kit", "tests"])
def test_nothing_sleeps_by_another_name(folder: Path) -> None:
    """Whoever waits for what never comes lets time pass without saying so."""
    assert findings(trees(folder), waits_for_nobody) == []


def test_no_timer_stands_in_for_a_sleep() -> None:
    """Nor lets anything else happen later: only servers of the tests are late."""
    assert findings(trees(KIT), timers) == []


@pytest.mark.parametrize(("folder", "named"), [(KIT, PAUSES), (TESTS, PAUSES_OF_TESTS)], ids=["kit", "tests"])
def test_time_passes_in_named_places_alone(folder: Path, named: Mapping[str, str]) -> None:
    """Each has a reason that this file tells."""
    assert set(findings(trees(folder), pauses)) == set(named)


@pytest.mark.parametrize("folder", [KIT, SERVER, ALL_TESTS], ids=["kit", "server", "tests"])
def test_nothing_ages_between_import_and_use(folder: Path) -> None:
    """A token that was made for a minute has expired when its test comes later than that."""
    assert findings(trees(folder), ages) == []


@pytest.mark.parametrize("folder", [KIT, ALL_TESTS], ids=["kit", "tests"])
def test_there_are_no_one_shot_listeners(folder: Path) -> None:
    """Recorders are attached before the connection opens and stay."""
    assert findings(trees(folder), one_shots) == []


@pytest.mark.parametrize("folder", [KIT, ALL_TESTS], ids=["kit", "tests"])
def test_no_port_is_chosen(folder: Path) -> None:
    """Whoever listens takes any free port and says which."""
    assert findings(trees(folder), fixed_ports) == []


@pytest.mark.parametrize("folder", [KIT, SERVER], ids=["kit", "server"])
def test_both_packages_have_the_same_habits(folder: Path) -> None:
    """Whoever reads one can read the other; the linter sees to most of it."""
    assert findings(trees(folder), short_names) == []


def test_no_test_is_switched_off() -> None:
    """Nor expected to fail, but for those that need a program which a machine may lack."""
    assert {found.partition(":")[0] for found in findings(trees(ALL_TESTS), skips)} == set(SKIPPING)


def test_no_address_has_a_port() -> None:
    """Addresses with a port stand in texts for people alone."""
    found = {(path.name, text) for path in modules(KIT) for text in local_addresses(tree_of(path))}
    assert {name for name, _ in found} == set(EXAMPLES)
    assert all(EXAMPLES[name].search(text) for name, text in found)


def test_the_plugin_is_light() -> None:
    """Other people's test suites must not pay for what they do not use."""
    code = f"import sys, signalproof.plugin; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")


# ── walls ──────────────────────────────────────────────────────────────────────────────────────

BREACHES: Final = (
    ("signalproof/judge/ledger.py", "from signalproof.run import runner"),  # upwards
    ("signalproof/doctor/clock.py", "from signalproof.scenes import model"),  # between neighbours
    ("signalproof/suite/test_offer.py", "from signalproof.net import peer"),  # past the cast
    ("signalproof/reports/badge.py", "def late() -> None:\n    import aiohttp"),
    ("signalproof/suite/test_media.py", "import aiortc"),
    ("signalproof/protocol/wire.py", "import signalproof_server.wire"),
    ("signalproof_server/errors.py", "from signalproof import errors"),
)
"""Modules, and an import that has no business in each."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Hold copies of both packages against the contracts of `pyproject.toml`."""
    code = (
        "from importlinter.cli import lint_imports_command as main; main(['--no-cache', '--config', 'pyproject.toml'])"
    )
    environment = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
        env=environment,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy both packages and the contracts."""
    for package in (KIT, SERVER):
        shutil.copytree(package, tmp_path / package.name, ignore=shutil.ignore_patterns("__pycache__", "_data"))
    shutil.copy(ALL_TESTS.parent / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_walls_stand(copy: Path) -> None:
    """Each room uses those below it, the network has one room, and kit and server share no code."""
    done = lint_imports(copy)
    assert (done.returncode, "Contracts: 4 kept, 0 broken" in done.stdout) == (0, True), done.stdout + done.stderr


def test_the_walls_hold(copy: Path) -> None:
    """Each planted import is told; a wall that lets anything through is none."""
    for module, planted in BREACHES:
        path = copy / module
        path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{planted}\n", encoding="utf-8")
    done = lint_imports(copy)
    importers = [module.removesuffix(".py").replace("/", ".") for module, _ in BREACHES]
    assert [name for name in importers if f"{name} -> " not in done.stdout] == []
    assert done.returncode == 1


def test_every_room_has_its_place(copy: Path) -> None:
    """A room that no layer names is told too."""
    (copy / "signalproof" / "attic").mkdir()
    (copy / "signalproof" / "attic" / "__init__.py").touch()
    done = lint_imports(copy)
    assert (done.returncode, "attic" in done.stdout + done.stderr) == (1, True), done.stdout + done.stderr


# ── the finders find ───────────────────────────────────────────────────────────────────────────

PLANTED: Final[Mapping[str, tuple[Finder, str]]] = {
    "asyncio_sleep": (sleeps, "async def f():\n    await asyncio.sleep(1)"),
    "imported_sleep": (sleeps, "from time import sleep as nap"),
    "pause": (pauses, "async def f(cast):\n    await cast.pause(1)"),
    "renamed_pause": (pauses, "from signalproof.pause import pause as think"),
    "pause_by_another_name": (pauses, "think = pause"),
    "never": (waits_for_nobody, "never = loop.create_future()\nawait asyncio.wait([never], timeout=1)"),
    "typed_never": (waits_for_nobody, "async def f():\n    x: Future[None] = Future()\n    await wait_for(x, 1)"),
    "never_beside_another": (waits_for_nobody, "a, b = [], asyncio.Event()\nawait asyncio.wait_for(b.wait(), 1)"),
    "never_of_an_object": (waits_for_nobody, "self.x = Event()\nasync def f(self):\n    await self.x.wait()"),
    "never_in_place": (waits_for_nobody, "await asyncio.wait_for(loop.create_future(), 1)"),
    "event_in_place": (waits_for_nobody, "threading.Event().wait(1)"),
    "never_awaited": (waits_for_nobody, "async with asyncio.timeout(1):\n    await loop.create_future()"),
    "empty_queue": (waits_for_nobody, "import queue\nqueue.SimpleQueue().get(timeout=1)"),
    "timer": (timers, "loop.call_later(1, turn.set_result, None)"),
    "clock_at_import": (ages, "BEGAN = time.monotonic()"),
    "age_at_import": (ages, "def soon():\n    return time() + 60\nCASES = [(token(exp=soon()), 1)]"),
    "age_at_import_by_way_of_another": (
        ages,
        "def a():\n    return now()\ndef b():\n    return a()\n@case(b())\ndef c(): ...",
    ),
    "age_of_a_default": (ages, "def f(when=datetime.now()): ..."),
    "once": (one_shots, "socket.once('sender_offer', print)"),
    "localhost": (local_addresses, "url = 'http://localhost:8000/x'"),
    "ipv4": (local_addresses, "connect(f'{scheme}://127.0.0.1:8080')"),
    "ipv6": (local_addresses, "x = {'a': ['http://[::1]:81']}"),
    "port_by_name": (fixed_ports, "serve(port=8000)"),
    "port_beside_a_host": (fixed_ports, "socket.bind(('127.0.0.1', 8000))"),
    "port_as_an_option": (fixed_ports, "start('--port', '8000')"),
    "skip": (skips, "@pytest.mark.skip\ndef test_x(): ..."),
    "skip_inside": (skips, "def test_x():\n    pytest.skip('not today')"),
    "exc": (short_names, "try: ...\nexcept ValueError as exc: ..."),
    "xfail": (skips, "x = pytest.param(1, marks=pytest.mark.xfail(strict=True))"),
}


@pytest.mark.parametrize(("find", "source"), PLANTED.values(), ids=PLANTED)
def test_a_planted_breach_is_found(find: Finder, source: str) -> None:
    """A rule that cannot fail is none."""
    assert len(list(find(ast.parse(source)))) == 1


@pytest.mark.parametrize(("find", "source"), PLANTED.values(), ids=PLANTED)
def test_a_breach_is_found_wherever_it_is_planted(find: Finder, source: str) -> None:
    """Below the last line of a module of the suite."""
    name = "suite/test_ice.py"
    planted = ast.parse(f"{(KIT / name).read_text(encoding='utf-8')}\n\n{source}\n")
    (found,) = set(findings({name: planted}, find)) - set(findings({name: trees(KIT)[name]}, find))
    assert found.startswith(f"{name}: ")


@pytest.mark.parametrize(
    "source",
    [
        "port = 0\nserve(port=port)",
        "socket.bind(('127.0.0.1', 0))",
        "start('--port', '0')",
        "parametrize('host', ['127.0.0.1', 'localhost'])",
        "skipped = [row for row in rows if row == 'skipped']",
        "at_once(listen)",
        "came = asyncio.Event()\nlisten(came.set)\nawait came.wait()",
        "reply = loop.create_future()\nself.waiters.append(reply)\nawait asyncio.wait_for(reply, 1)",
        "self.queue = Queue()\nself.queue.put(1)\nself.queue.get()",
        "await asyncio.wait([task], timeout=1)",
        "def f():\n    x = Event()\n    x.set()\n    x.wait()\ndef g(x):\n    x.wait()",
        "with paused(): ...",
        "def soon():\n    return time() + 60\nCASES = [lambda: soon()]\ndef f():\n    return soon()",
    ],
)
def test_what_is_no_breach_is_let_pass(source: str) -> None:
    """Port 0, and words that look alike."""
    for find, _ in PLANTED.values():
        assert list(find(ast.parse(source))) == []


def test_a_docstring_is_no_text() -> None:
    """What documentation shows is nobody's port."""
    source = 'class A:\n    """http://localhost:8000"""\n    def f(self):\n        """http://localhost:8001"""'
    assert list(local_addresses(ast.parse(source))) == []

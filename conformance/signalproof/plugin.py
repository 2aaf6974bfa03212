"""The pytest plugin: inert until `--target` or `--target-file` is given, then it runs the conformance suite.

Nothing heavier than pytest is imported here, so that other people's test suites pay nothing.
"""

from __future__ import annotations

import importlib.util
import os
import shlex

import pytest

from signalproof.config.options import TABLE, Options
from signalproof.protocol.resources import SUITE

__all__: list[str] = []


def _wanted(config: pytest.Config | None) -> bool:
    arguments = list(config.invocation_params.args) if config is not None else []
    arguments += shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    return any(str(argument).partition("=")[0] in {"--target", "--target-file"} for argument in arguments)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Register `--target`; the other options exist only beside it, so that no name of theirs can clash."""
    group = parser.getgroup("signalproof", "VCSP conformance (signalproof)")
    group.addoption(
        "--target",
        metavar="URL",
        help="base URL of the VCSP server to check; `pytest --target URL --help` lists what goes with it",
    )
    if not _wanted(pluginmanager.get_plugin("pytestconfig")):
        return
    for option in TABLE:
        if option.key == "strict" or (option.key == "timeout" and importlib.util.find_spec("pytest_timeout")):
            continue  # the option of the same name, of pytest or of that plugin, serves for both
        if option.metavar is None:
            group.addoption(option.flag, action="store_true", help=option.help)
        elif option.repeatable:
            group.addoption(option.flag, action="append", default=[], metavar=option.metavar, help=option.help)
        else:
            group.addoption(option.flag, type=option.kind, metavar=option.metavar, help=option.help)


def pytest_configure(config: pytest.Config) -> None:
    """Bring in the session, and the suite where no path was named."""
    config.addinivalue_line("markers", "requirement(id, ...): the requirements that a check decides")
    config.addinivalue_line("markers", "webrtc: the check needs a network interface besides loopback")
    config.addinivalue_line("markers", "profile(name): the check needs this profile, beside that of its requirements")
    config.addinivalue_line("markers", "slow(limit): the check waits for this limit of the target, or so many seconds")
    config.addinivalue_line("markers", "alone: the check runs after the others, by itself")
    config.addinivalue_line("markers", "early: the check takes long and begins before the others")
    if not any(config.getoption(name, default=None) for name in ("--target", "--target-file")):
        return
    from signalproof.errors import InvalidTarget
    from signalproof.pytest_plugin.session import ConformanceSession

    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(SUITE)]
    try:
        session = ConformanceSession(Options.of(vars(config.option)))
    except InvalidTarget as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(session, "signalproof-session")

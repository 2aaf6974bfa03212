"""What a command passes on to pytest: the checks that are named, and the options of pytest's own that help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from signalproof.protocol.resources import SUITE

__all__ = ["pytest_options", "words_of"]

_SWITCHES: Mapping[str, tuple[str, ...]] = {
    "Stop at the first check that fails.": ("-x", "--exitfirst"),
    "Name the checks that are selected, and run none.": ("--collect-only", "--co"),
    "Show what checks print.": ("-s",),
    "Show local variables in tracebacks of faults of the kit.": ("-l", "--showlocals"),
}
_COUNTED: Mapping[str, tuple[str, ...]] = {
    "Say more; once: a line a check.": ("-v", "--verbose"),
    "Say less.": ("-q", "--quiet"),
}
_VALUED: Mapping[str, tuple[str, str]] = {
    "Only checks whose names fit, such as 'offer and not glare'.": ("-k", "EXPRESSION"),
    "Only checks whose marks fit, such as 'not webrtc'.": ("-m", "EXPRESSION"),
    "Stop when so many checks have failed.": ("--maxfail", "N"),
    "How tracebacks of faults of the kit are written: auto, long, short, line, native or no.": ("--tb", "STYLE"),
    "Name the slowest N checks.": ("--durations", "N"),
}


def pytest_options(command: click.Command) -> click.Command:
    """Give a command the options of pytest's own that serve here; the rest stands behind `--`."""
    for text, (flag, metavar) in _VALUED.items():
        command.params.append(click.Option([flag, _key(flag)], metavar=metavar, help=text))
    for text, flags in _SWITCHES.items():
        command.params.append(click.Option([*flags, _key(flags[-1])], is_flag=True, help=text))
    for text, flags in _COUNTED.items():
        command.params.append(click.Option([*flags, _key(flags[-1])], count=True, help=text))
    return command


def _key(flag: str) -> str:
    return f"pytest_{flag.strip('-').replace('-', '_')}"


def words_of(checks: Sequence[str], values: Mapping[str, object]) -> list[str]:
    """Give the words for pytest: options, then the checks that are named, or the whole suite.

    Raises `click.UsageError` for a check that there is not.
    """
    raw = next((position for position, word in enumerate(checks) if word.startswith("-")), len(checks))
    named = [place for word in checks[:raw] for place in _places(word)]
    return [*_options(values), *checks[raw:], *(named or [str(SUITE)])]


def _options(values: Mapping[str, object]) -> Iterator[str]:
    for flag, _ in _VALUED.values():
        if (value := values.get(_key(flag))) is not None:
            yield from (flag, str(value))
    for flags in (*_SWITCHES.values(), *_COUNTED.values()):
        count = values.get(_key(flags[-1]))
        yield from [flags[0]] * (int(count) if isinstance(count, int) else 0)


def _places(word: str) -> Iterator[str]:
    """Give the node ids of what a word names: a module of the suite, or a check, with its module or without."""
    from signalproof.protocol.coverage import checks_by_requirement
    from signalproof.text.suggestion import did_you_mean

    module, _, name = word.rpartition("::") if "::" in word else ("", "", word)
    stem = module.rpartition("/")[2].removesuffix(".py")
    if not module and (whole := word.rpartition("/")[2].removesuffix(".py")) in _modules():
        yield str(SUITE / f"{whole}.py")
        return
    known = sorted({check for checks in checks_by_requirement().values() for check in checks})
    function, bracket, parameter = name.partition("[")
    wanted = {f"{each}::{function}" for each in ([stem] if stem else _modules())}
    found = [check for check in known if check in wanted]
    if not found:
        near = did_you_mean(word, [*_modules(), *(check.partition("::")[2] for check in known)])
        raise click.UsageError(f"there is no check {word!r}{near if len(near) < 200 else ''}")
    for check in found:
        where, _, which = check.partition("::")
        yield f"{SUITE / where}.py::{which}{bracket}{parameter}"


def _modules() -> list[str]:
    return sorted(path.stem for path in SUITE.glob("test_*.py"))

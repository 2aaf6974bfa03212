"""The parts of `proof.md`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.faults.faults import FAULTS
from tests.proof.figures import (
    NOTHING,
    Figures,
    Measured,
    auth_of,
    cells,
    checked,
    checks_of,
    found_by_chance,
    names,
    when,
)

from signalproof.protocol.requirements import CHECKED_PROFILES, catalogue

__all__ = [
    "contrarian",
    "faults",
    "model",
    "nulls",
    "oldstyle",
    "place_and_reason",
    "requirements",
    "soak",
    "unproven",
]

SAME: Final = "found by the same checks, in the same breath"


def requirements(measured: Measured) -> Iterator[str]:
    """Which faults break each requirement, and which checks said so."""
    yield "## Requirements"
    yield ""
    yield "Each with the faults that break it, and the checks that found each of them under this very id."
    for profile in CHECKED_PROFILES:
        yield from (
            "",
            f"### Profile `{profile}`",
            "",
            "| requirement | level | fault | caught by |",
            "|---|---|---|---|",
        )
        for requirement in checked():
            if requirement.profile != profile:
                continue
            faults = measured.killers(requirement.id)
            name = f"[{requirement.id}](../../{requirement.link})"
            for number, (fault, checks) in enumerate(faults.items()):
                first = not number
                yield cells(name if first else "", requirement.level if first else "", f"`{fault}`", checks_of(checks))
            if not faults:
                yield cells(name, requirement.level, "**none**", "")


def faults(measured: Measured) -> Iterator[str]:
    """What each fault is, and what became of it."""
    whole = sum(row["whole_suite"] for row in measured.rows)
    yield "## Faults"
    yield ""
    yield "Each is a variant of the reference server that is wrong in one way, in [tests/faults](../faults)."
    yield f"{whole} of them, one for each requirement, met the whole suite but for the model check, the others the"
    yield "checks that cite what they break."
    yield "What else broke has to have a reason."
    yield ""
    yield "| fault | how servers come to be so | breaks | caught by | what else broke, and why |"
    yield "|---|---|---|---|---|"
    for row in measured.rows:
        fault = FAULTS.get(row["fault"])
        reasons: dict[str, list[str]] = {}
        for identifier in row["collateral"]:
            reasons.setdefault((fault and fault.excuse(identifier)) or SAME, []).append(identifier)
        checks = {check for found in row["killers"].values() for check in found}
        trouble = [row["problem"] and f"**{row['problem']}**"]
        trouble += [f"**not caught: {i}**" for i in row["requirements"] if i not in row["killers"]]
        trouble += [f"**unexplained: {i}** ({checks_of(found)})" for i, found in row["unexplained"].items()]
        yield cells(
            f"`{row['fault']}`",
            fault.story.split("\n\n")[0].replace("\n", " ") if fault else "*no longer there*",
            ", ".join(row["requirements"]),
            "; ".join(filter(None, [checks_of(sorted(checks)), *trouble])),
            "; ".join(f"{', '.join(ids)}: {reason}" for reason, ids in reasons.items()),
        )


def nulls(targets: Figures) -> Iterator[str]:
    """What servers that do nothing earn."""
    yield from ("## Servers that do nothing", "")
    yield "They give one answer to every HTTP request; with sockets, they also acknowledge every login."
    yield "They raise no event, ever."
    yield ""
    if not (rows := targets.get("null")):
        yield NOTHING
        return
    yield "| HTTP answer | sockets | verdict | MUST requirements kept | seconds | what the run says |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        sockets = "yes" if row["sockets"] else "no"
        musts = f"{row['kept']} of {row['musts']}" if row["musts"] else "none was judged"
        yield cells(row["kind"], sockets, row["verdict"], musts, row["seconds"], row["says"])


def contrarian(targets: Figures) -> Iterator[str]:
    """What a correct server of another kind earns."""
    yield from ("## The contrarian", "")
    yield "A server on another stack, written from the specification alone, that takes every freedom the other way."
    yield "What it does not follow are SHOULDs, on purpose: a warning is right."
    yield ""
    if not (rows := targets.get("contrarian")):
        yield NOTHING
        return
    yield "| | verdict | MUST requirements kept | checks passed | checks failed | SHOULDs not followed |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        musts = f"{row['kept']} of {row['musts']}"
        yield cells(
            auth_of(row), row["verdict"], musts, row["passed"], row["failed"], ", ".join(row["warned"]) or "none"
        )


def oldstyle(targets: Figures) -> Iterator[str]:
    """What a server of the first years fails."""
    yield from ("## The server in the old style", "")
    yield "A server as they were built in the protocol's first years, with the bugs of that time, and a list of what it"
    yield "is known to fail: its baseline, which names what in [oldstyle.py](../targets/oldstyle.py) breaks each"
    yield "requirement. Nothing may fail beside the list, and nothing on the list may pass."
    yield ""
    if not (old := targets.get("oldstyle")):
        yield NOTHING
        return
    yield "| requirement | what breaks it | why |"
    yield "|---|---|---|"
    for entry in old["known"]:
        yield cells(entry["requirement"], *place_and_reason(entry["reason"]))
    yield from ("", "| form | requirements named | seconds |", "|---|---|---|")
    for form in old.get("forms", ()):
        yield cells(f"`oldstyle.py {form['form']}`".replace(" `", "`"), len(form["named"]), form["seconds"])
    yield ""
    yield f"Failed beside the baseline: {', '.join(old['unexpected']) or 'none'}."
    yield f"On the baseline, and kept: {', '.join(old['stale']) or 'none'}."


def place_and_reason(text: str) -> tuple[str, str]:
    """Part the reason of an entry into what in the target breaks the requirement, and why."""
    place, colon, reason = text.partition(": ")
    return (place, reason) if colon else ("", text)


def soak(records: Figures) -> Iterator[str]:
    """How often the suite was wrong about a correct server."""
    yield from ("## Repetition under stress", "")
    yield "The whole suite against the reference server, again and again, without and with authentication in turn, each"
    yield "time in new processes. A run passes when every check does; a SHOULD that the target really misses under the"
    yield "stress, and that the kit says so, is right and counted apart."
    yield ""
    if not records:
        yield NOTHING
        return
    yield "| stress | runs | did not pass | checks in a run | seconds: min, median, max | SHOULDs missed | measured |"
    yield "|---|---|---|---|---|---|---|"
    for name, record in records.items():
        seconds = record["seconds"]
        yield cells(
            f"`{name}`",
            record["runs"],
            record["runs_that_did_not_pass"],
            record["checks"],
            f"{seconds['min']}, {seconds['median']}, {seconds['max']}",
            ", ".join(f"{i} in {n} runs" for i, n in record["excused_runs"].items()) or "none",
            f"{when(record)}, {record['cores']} cores, Python {record['python']}",
        )
    found = [(name, row) for name, record in records.items() for row in record["non_passes"]]
    if found:
        yield from (
            "",
            "What did not pass:",
            "",
            "| stress | run | check | requirements | message |",
            "|---|---|---|---|---|",
        )
    for name, row in found:
        yield cells(f"`{name}`", row["run"], row["check"], ", ".join(row["requirements"]), row["message"])


def model(found: Figures) -> Iterator[str]:
    """What the model check finds by itself."""
    yield from ("## The model check", "")
    yield "It drives users at random and compares all they receive with a small model of the contract."
    yield "It knows nothing of the other checks, so what it finds by itself says how good the model is."
    yield ""
    if not found:
        yield NOTHING
        return
    killed, missed = found_by_chance(found)
    yield f"In {found['examples']} scenes for each fault it finds {len(killed)} of {found['faults']}."
    yield from ("", f"Found: {names(killed)}.", "", f"Not found: {names(missed)}.")


def unproven() -> Iterator[str]:
    """What nobody can check, or nobody checks yet."""
    yield from ("## Not proven", "")
    yield "| requirement | why |"
    yield "|---|---|"
    for requirement in catalogue().values():
        if requirement.untestable:
            yield cells(requirement.id, f"not testable from outside: {requirement.untestable}")
        elif requirement.profile not in CHECKED_PROFILES:
            yield cells(requirement.id, f"there are no checks yet for profile `{requirement.profile}`")
    if all(not r.untestable and r.profile in CHECKED_PROFILES for r in catalogue().values()):
        yield cells("none", "")

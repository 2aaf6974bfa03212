"""The options of a session, once: pytest's plugin, the command line and the target file all read this table.

It is light, for the plugin is loaded by other people's test suites too; `reading` turns it into a target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signalproof.config.target_file import TargetFile

__all__ = ["TABLE", "Option", "Options"]

_KINDS: Mapping[object, type] = {
    "bool": bool,
    "int | None": int,
    "float | None": float,
    "str | None": str,
    "tuple[str, ...]": str,
}


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table: a switch when it has no `metavar`. `kind` is the type of its value.

    `key` names it in `Options`, and `file_key` in a target file, where it is empty for what only a command line can
    say. `about_run` marks what concerns the run of the suite rather than the target.
    """

    key: str
    kind: type
    repeatable: bool
    help: str
    metavar: str | None
    about_run: bool
    file_key: str

    @classmethod
    def of(cls, attribute: Field[Any]) -> Option:
        """Read a row from a field of `Options`."""
        row = attribute.metadata
        return cls(
            attribute.name,
            _KINDS[attribute.type],
            attribute.type == "tuple[str, ...]",
            row["help"],
            row["metavar"],
            row["about_run"],
            attribute.name if row["in_file"] is None else row["in_file"],
        )

    @property
    def flag(self) -> str:
        """How it is written on a command line."""
        return f"--{self.key.replace('_', '-')}"


def _option(
    help: str,  # noqa: A002 - the name that parsers give it
    metavar: str | None = None,
    *,
    about_run: bool = False,
    in_file: str | None = None,
) -> Any:  # noqa: ANN401 - stands for a value of the field's type
    row = {"help": help, "metavar": metavar, "about_run": about_run, "in_file": in_file}
    return field(default=None if metavar else False, metadata=row)


def _repeatable(help: str, metavar: str, in_file: str) -> Any:  # noqa: A002, ANN401 - as above
    row = {"help": help, "metavar": metavar, "about_run": False, "in_file": in_file}
    return field(default=(), metadata=row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the operator says about the target and the run; None and empty values stand for what was not said.

    `target` is the base URL. `file` is the target file that `reading.complete` took values from, and `places` says
    where in it each of them stands.
    """

    target: str | None = None
    socket_url: str | None = _option("Base URL of Socket.IO, where it is another one.", "URL")
    profiles: str | None = _option(
        "Profiles to check, such as core,ice; by default those that the target claims.", "LIST"
    )
    header: tuple[str, ...] = _repeatable("Send this header; repeatable.", "NAME:VALUE", in_file="headers")
    timeout: float | None = _option("Limit of every wait (5, and more on a slow link).", "SECONDS")
    rate: float | None = _option("Send at most N requests and connects per second.", "N")
    concurrency: int | None = _option(
        "Checks under way at once (16; more on a slow link, fewer with --rate).", "N", about_run=True
    )
    serial: bool = _option("One check at a time, for debugging.", about_run=True)
    slow: bool = _option("Also run checks that wait for long limits of the target.", about_run=True)
    examples: int | None = _option("Random scenes to play (4).", "N", about_run=True)
    seed: int | None = _option("Seed of the random scenes (0).", "N", about_run=True)
    baseline: str | None = _option("Known breaches, which do not fail the run: a TOML file.", "FILE", about_run=True)
    write_baseline: str | None = _option(
        "Write the breaches of this run into a baseline.", "FILE", about_run=True, in_file=""
    )
    dry_run: bool = _option("List what would run; at most read the discovery document.", about_run=True, in_file="")
    report: str | None = _option("Write the reports into this folder (signalproof-report).", "DIR", about_run=True)
    no_report: bool = _option("Write no reports.", about_run=True, in_file="")
    fail_on_undecided: bool = _option(
        "Fail the run too when a MUST that the target claims was not decided.", about_run=True
    )
    strict: bool = _option("A SHOULD that is not followed fails the run.", about_run=True)
    ca_file: str | None = _option("Trust the certificate authorities in this file.", "FILE")
    insecure: bool = _option("Trust any certificate.")
    jwt_secret_file: str | None = _option(
        "Sign tokens of test users with this secret (HS256).", "FILE", in_file="jwt_secret"
    )
    jwt_key_file: str | None = _option(
        "Sign tokens of test users with this private key (RS256, ES256).", "FILE", in_file="jwt_key"
    )
    jwt_claim: tuple[str, ...] = _repeatable(
        "Put this claim into signed tokens; repeatable.", "NAME=VALUE", in_file="jwt_claims"
    )
    token_command: str | None = _option("Command that prints a token; {login} in it is replaced.", "CMD")
    target_file: str | None = _option(
        "Take all of these from this TOML file; `signalproof init` writes one.", "FILE", in_file=""
    )
    file: TargetFile | None = None
    places: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Options:
        """Take what a parser has read, by key; what it has not read, or does not know, counts as not said."""
        said: dict[str, Any] = {
            option.key: tuple(values[option.key]) if option.repeatable else values[option.key]
            for option in TABLE
            if values.get(option.key) is not None
        }
        return replace(cls(target=values.get("target")), **said)

    def named(self, key: str) -> str:
        """Say where a value comes from: `--timeout`, or `target.toml, line 3: timeout`."""
        return self.places.get(key, f"--{key.replace('_', '-')}")


TABLE = tuple(Option.of(attribute) for attribute in fields(Options) if attribute.metadata)
"""The options in the order in which help shows them."""

"""The options of a session, once: pytest's plugin and the command line both read this table."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FLAGS", "Flag"]


@dataclass(frozen=True, slots=True)
class Flag:
    """One option: a switch when it has no `metavar`. `kind` is the type of its value.

    `about_run` marks what concerns the run of the suite rather than the target. `in_file` is its name in a
    target file where that is another one; it is empty for what only a command line can say.
    """

    name: str
    help: str
    metavar: str | None = None
    kind: type[str] | type[int] | type[float] = str
    repeatable: bool = False
    about_run: bool = False
    in_file: str | None = None

    @property
    def default(self) -> object:
        """The value when the option is not given."""
        return False if self.metavar is None else [] if self.repeatable else None

    @property
    def key(self) -> str:
        """The name under which parsers keep the value."""
        return self.name.removeprefix("--").replace("-", "_")

    @property
    def file_key(self) -> str:
        """The name in a target file."""
        return self.key if self.in_file is None else self.in_file


FLAGS = (
    Flag("--socket-url", "Base URL of Socket.IO, where it is another one.", "URL"),
    Flag("--profiles", "Profiles to check, such as core,ice; by default those that the target claims.", "LIST"),
    Flag("--header", "Send this header; repeatable.", "NAME:VALUE", repeatable=True, in_file="headers"),
    Flag("--timeout", "Limit of every wait (5, and more on a slow link).", "SECONDS", float),
    Flag("--rate", "Send at most N requests and connects per second.", "N", float),
    Flag(
        "--concurrency",
        "Checks under way at once (16; more on a slow link, fewer with --rate).",
        "N",
        int,
        about_run=True,
    ),
    Flag("--serial", "One check at a time, for debugging.", about_run=True),
    Flag("--slow", "Also run checks that wait for long limits of the target.", about_run=True),
    Flag("--examples", "Random scenes to play (4).", "N", int, about_run=True),
    Flag("--seed", "Seed of the random scenes (0).", "N", int, about_run=True),
    Flag("--baseline", "Known breaches, which do not fail the run: a TOML file.", "FILE", about_run=True),
    Flag("--write-baseline", "Write the breaches of this run into a baseline.", "FILE", about_run=True, in_file=""),
    Flag("--dry-run", "List what would run; at most read the discovery document.", about_run=True, in_file=""),
    Flag("--report", "Write the reports into this folder (signalproof-report).", "DIR", about_run=True),
    Flag("--no-report", "Write no reports.", about_run=True, in_file=""),
    Flag("--ca-file", "Trust the certificate authorities in this file.", "FILE"),
    Flag("--insecure", "Trust any certificate."),
    Flag("--jwt-secret-file", "Sign tokens of test users with this secret (HS256).", "FILE", in_file="jwt_secret"),
    Flag(
        "--jwt-key-file",
        "Sign tokens of test users with this private key (RS256, ES256).",
        "FILE",
        in_file="jwt_key",
    ),
    Flag(
        "--jwt-claim",
        "Put this claim into signed tokens; repeatable.",
        "NAME=VALUE",
        repeatable=True,
        in_file="jwt_claims",
    ),
    Flag("--token-command", "Command that prints a token; {login} in it is replaced.", "CMD"),
    Flag("--target-file", "Take all of these from this TOML file; `signalproof init` writes one.", "FILE", in_file=""),
)

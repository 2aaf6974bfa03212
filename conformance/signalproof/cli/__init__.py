"""The command `signalproof`: one module a command, put together here."""

from __future__ import annotations

from signalproof.cli import call, check, completion, diff, doctor, explain, init, listing, schema, serve
from signalproof.cli.group import main, run

__all__ = ["main", "run"]

for command in (
    check.check,
    doctor.doctor,
    init.init,
    call.call,
    explain.explain,
    diff.compare,
    listing.list_requirements,
    schema.print_schema,
    serve.serve,
    completion.completion,
):
    main.add_command(command)

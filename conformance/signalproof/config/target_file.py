"""The target file, `target.toml`: everything the command line can say, kept with the server that it is about.

Its schema is `schemas/target/Target.json`. Problems are told with file, line and remedy.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalproof.errors import InvalidTarget
from signalproof.protocol.resources import resource
from signalproof.text.suggestion import did_you_mean
from signalproof.text.toml_lines import line_of, statements

__all__ = ["NAME", "TargetFile"]

NAME = "target.toml"
MOST_PROBLEMS = 5
"""Problems told at once."""
COMMAND_SECONDS = 30
"""How long a command may take that prints a secret."""
_TYPES = {
    "string": "text in quotes",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list in [ ]",
    "object": "a table",
}


@dataclass(frozen=True, slots=True)
class TargetFile:
    """A target file that keeps to its schema; `values` are those of its top level."""

    path: Path
    text: str
    values: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> TargetFile:
        """Read and validate a file; raises `InvalidTarget` with every problem in it."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise InvalidTarget(f"the target file {path} cannot be read: {error.strerror}") from None
        except ValueError:
            raise InvalidTarget(f"the target file {path} is not text in UTF-8") from None
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidTarget(
                f"the target file {path} is not TOML: {error}\n"
                'A line is name = value, with texts in quotes: url = "https://example.org"'
            ) from None
        file = cls(path, text, values)
        if problems := list(file._problems()):
            more = [f"and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
            raise InvalidTarget("\n".join([*problems[:MOST_PROBLEMS], *more]))
        return file

    def place(self, *keys: str | int) -> str:
        """Say where a value stands: `target.toml, line 3: timeout`."""
        name = next((str(key) for key in reversed(keys) if isinstance(key, str)), "")
        return f"{self._line(*keys)}: {name}"

    def beside(self, path: str) -> Path:
        """Read a path in the file as relative to the file's folder."""
        return self.path.parent / Path(path).expanduser()

    def credential(self, value: str | Mapping[str, str], *keys: str | int) -> str:
        """Give a text, fetched from where it is kept; raises `InvalidTarget`, without repeating it."""
        if isinstance(value, str):
            return value
        ((source, name),) = value.items()
        place = self.place(*keys)
        if source == "env":
            if not os.environ.get(name, "").strip():
                raise InvalidTarget(f"{place}: the environment variable {name} is not set: export {name}=…")
            return os.environ[name].strip()
        if source == "file":
            return _content(self.beside(name), place)
        return _output(name, place)

    def _problems(self) -> Iterator[str]:
        from jsonschema import Draft202012Validator

        schema = json.loads(resource("schemas", "target", "Target.json").read_text(encoding="utf-8"))
        for error in Draft202012Validator(schema).iter_errors(self.values):
            where = tuple(error.absolute_path)
            if error.validator == "additionalProperties":
                names = list(error.schema["properties"])
                for name in error.instance:
                    if name not in names:
                        yield f"{self._line(*where, name)}: {name!r} is unknown{did_you_mean(name, names)}"
            else:
                yield f"{self._line(*where)}: {_explained(error.validator, error.validator_value, error)}"

    def _line(self, *keys: str | int) -> str:
        return f"{self.path}, line {line_of(list(statements(self.text)), keys)}"


def _explained(keyword: object, demanded: Any, error: Any) -> str:  # noqa: ANN401 - jsonschema has no types for these
    name = next((str(part) for part in reversed(error.absolute_path) if isinstance(part, str)), "the file")
    if keyword == "enum":
        return f"{name} holds {error.instance!r}{did_you_mean(str(error.instance), demanded)}"
    if keyword == "type":
        kinds = [demanded] if isinstance(demanded, str) else demanded
        wanted = " or ".join(_TYPES[kind] for kind in kinds)
        return f"{name} has to be {wanted}"
    if keyword == "required":
        missing = [key for key in demanded if key not in error.instance]
        return f"this one of [[{name}]] lacks {' and '.join(missing)}"
    if keyword in {"exclusiveMinimum", "minimum", "maximum"}:
        bound = {"exclusiveMinimum": "greater than", "minimum": "at least", "maximum": "at most"}[str(keyword)]
        return f"{name} has to be {bound} {demanded}"
    if keyword in {"minProperties", "maxProperties"}:
        return f'{name} takes one of env, file and command, as in {{ env = "VARIABLE" }}'
    return f"{name} is empty"


def _content(path: Path, place: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise InvalidTarget(f"{place}: {path} cannot be read: {type(error).__name__}") from None
    if not text:
        raise InvalidTarget(f"{place}: {path} is empty")
    return text


def _output(command: str, place: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command
            shlex.split(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, ValueError, IndexError) as error:
        raise InvalidTarget(f"{place}: the command cannot be run: {type(error).__name__}") from None
    except subprocess.TimeoutExpired:
        raise InvalidTarget(f"{place}: the command has not ended after {COMMAND_SECONDS} s") from None
    text = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode or not text:
        raise InvalidTarget(f"{place}: the command printed nothing usable; its exit code is {done.returncode}")
    return text

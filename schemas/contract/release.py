"""The frozen documents of each released version, and what has become of their promises since."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from contract import compatibility, promises
from contract.definitions import Schema

__all__ = ["FROZEN", "freeze", "problems"]

FROZEN: Final = ("asyncapi.json", "openapi.json", "vcsp.json")
SUMS: Final = "SHA256SUMS"
VERSION: Final = re.compile(r"\d+\.\d+")


def freeze(folder: Path, texts: Mapping[str, str], version: str) -> Path:
    """Write the documents of a version, once and for all; raises `FileExistsError` when it has been released."""
    target = folder / version
    target.mkdir(parents=True)
    for name in FROZEN:
        (target / name).write_bytes(texts[name].encode())
    sums = "".join(f"{_digest(target / name)}  {name}\n" for name in FROZEN)
    (target / SUMS).write_text(sums, encoding="utf-8")
    return target


def problems(folder: Path, documents: Mapping[str, Schema]) -> Iterator[str]:
    """Yield one line for each released file that was touched, and each promise of the last release that is broken."""
    folders = sorted(folder.iterdir()) if folder.is_dir() else []
    if strange := [path.name for path in folders if not VERSION.fullmatch(path.name)]:
        yield f"released/{strange[0]}: not the name of a version"
        return
    for release in folders:
        for name in (SUMS, *FROZEN):
            if not (release / name).is_file() or (name != SUMS and _digest(release / name) != _sums(release).get(name)):
                yield f"{release.name}/{name}: a released file is changed or missing; restore it"
                return
    if folders:
        release = max(folders, key=_number)
        last = {name: json.loads((release / name).read_text(encoding="utf-8")) for name in FROZEN}
        yield from _broken(last, documents)


def _broken(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> Iterator[str]:
    yield from compatibility.broken(old["vcsp.json"]["$defs"], new["vcsp.json"]["$defs"])
    for name, read in (("openapi.json", promises.of_openapi), ("asyncapi.json", promises.of_asyncapi)):
        yield from promises.broken(read(old[name]), read(new[name]), name)


def _sums(release: Path) -> dict[str, str]:
    lines = (release / SUMS).read_text(encoding="utf-8").splitlines() if (release / SUMS).is_file() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _number(release: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in release.name.split("."))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""Build the documents that are published from the sources in `schemas/v1`.

`make bundle` (`python schemas/build.py`) writes `v1/dist`; `--check` writes nothing and fails if a document is stale.
Both fail if a change since the last release is not additive. `--release` freezes what is there as a release.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from contract import definitions, documents, pages, release

SOURCE = Path(__file__).resolve().parent / "v1"


def build() -> dict[str, definitions.Schema]:
    """Return the documents, by file name; raises `SystemExit` with one line for each mistake in the sources."""
    known = definitions.read(SOURCE)
    if found := list(definitions.problems(known, SOURCE)):
        raise SystemExit("\n".join(found))
    try:
        return documents.bundles(known) | documents.services(known, SOURCE)
    except documents.Source as error:
        raise SystemExit(str(error)) from None


def write(texts: dict[str, str], *, check: bool) -> None:
    """Write what is stale, or only say that it is."""
    dist = SOURCE / "dist"
    stale = [name for name, text in texts.items() if not _same(dist / name, text)]
    if check and stale:
        names = ", ".join(f"v1/dist/{name}" for name in stale)
        raise SystemExit(f"stale: {names}; run `python schemas/build.py`")
    dist.mkdir(exist_ok=True)
    for name in stale:
        (dist / name).write_bytes(texts[name].encode())


def main() -> None:
    """Write the documents, or check that they are current; in either case hold them against the last release."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a document is stale")
    parser.add_argument("--release", action="store_true", help="freeze the documents as a release of their version")
    options = parser.parse_args()

    contents = build()
    texts = {name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in contents.items()}
    texts |= pages.pages(contents["openapi.json"], contents["asyncapi.json"])
    write(texts, check=options.check)
    released = SOURCE / "released"
    if found := list(release.problems(released, contents)):
        raise SystemExit("\n".join([*found, "Within v1 changes are additive only, see spec/versioning.md."]))
    if options.release:
        version = contents["openapi.json"]["info"]["version"]
        try:
            release.freeze(released, texts, version)
        except FileExistsError:
            raise SystemExit(f"{version} has been released: raise `version` in the sources first") from None


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


if __name__ == "__main__":
    main()

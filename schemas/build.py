"""Build the documents that are published from the sources in `schemas/v1`.

`make bundle` (`python schemas/build.py`) writes `v1/dist`; `--check` writes nothing and fails if a document is stale.
"""

import argparse
import json
from pathlib import Path

from contract import definitions, documents

SOURCE = Path(__file__).resolve().parent / "v1"


def main() -> None:
    """Write the documents, or check that they are current."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a document is stale")
    check: bool = parser.parse_args().check

    known = definitions.read(SOURCE)
    if found := list(definitions.problems(known, SOURCE)):
        raise SystemExit("\n".join(found))
    try:
        contents = documents.bundles(known) | documents.services(known, SOURCE)
    except documents.Source as error:
        raise SystemExit(str(error)) from None

    dist = SOURCE / "dist"
    texts = {
        dist / name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in contents.items()
    }
    stale = [path for path, text in texts.items() if not path.exists() or path.read_bytes() != text.encode()]
    if check and stale:
        names = ", ".join(path.relative_to(SOURCE.parent).as_posix() for path in stale)
        raise SystemExit(f"stale: {names}; run `python schemas/build.py`")
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(texts[path].encode())


if __name__ == "__main__":
    main()

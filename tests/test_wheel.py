"""The built package brings along what it needs: the contract for `signalproof schema`, the pages for the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "schemas" / "v1" / "dist"
LIMIT = 800_000
"""Bytes: more than that has to be a decision."""

SERVED = """
from signalproof_server import docs
from signalproof_server.app import create_app
paths = {route.path for route in create_app().http.app.routes}
assert docs.PAGES.keys() <= paths, paths
print(docs.__file__)
print(*sorted(str(docs._find(name)) for name, _ in docs.PAGES.values()), sep="\\n")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    return Path(next(iter(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack it, far from the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed: Path, *arguments: str) -> str:
    """Run Python on the unpacked wheel, and give what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=installed,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_the_wheel_is_light_and_has_no_tools(wheel: Path) -> None:
    """What builds the documents stays in the checkout."""
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert wheel.stat().st_size < LIMIT
    assert "signalproof/_data/spec/README.md" in names
    assert "signalproof/_data/schemas/report/Report.json" in names
    assert not [name for name in names if name.endswith(".py") and "/_data/" in name]
    assert len(set(names)) == len(names)


def test_the_contract_is_printed_from_the_wheel(installed: Path) -> None:
    """From its own copy, which is the one of this checkout."""
    location = run(
        installed, "-c", "from signalproof.protocol.resources import resource; print(resource('schemas'))"
    ).strip()
    assert Path(location) == installed / "signalproof" / "_data" / "schemas"
    printed = run(installed, "-m", "signalproof", "schema", "--openapi")
    assert printed == (DIST / "openapi.json").read_text(encoding="utf-8")
    assert '"title": "CallRequest"' in run(installed, "-m", "signalproof", "schema", "CallRequest")


def test_the_pages_are_served_from_the_wheel(installed: Path) -> None:
    """From the server's own copy: it does not look into the kit."""
    module, *files = run(installed, "-c", SERVED).splitlines()
    assert Path(module).is_relative_to(installed)
    data = installed / "signalproof_server" / "_data"
    assert [Path(file) for file in files] == sorted(data.iterdir())
    for file in data.iterdir():
        assert file.read_bytes() == (DIST / file.name).read_bytes()

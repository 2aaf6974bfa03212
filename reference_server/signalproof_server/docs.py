"""The contract for people: pages made of its OpenAPI and AsyncAPI documents, and these documents themselves."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["PAGES", "routes"]

PAGES = {
    "/docs": ("openapi.html", "text/html; charset=utf-8"),
    "/docs/events": ("asyncapi.html", "text/html; charset=utf-8"),
    "/docs/openapi.json": ("openapi.json", "application/json"),
    "/docs/asyncapi.json": ("asyncapi.json", "application/json"),
}
"""What is served, by path: the file, which is generated from `schemas/v1`, and its type."""

HEADERS = {
    "cache-control": "max-age=60",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "x-content-type-options": "nosniff",
}
"""The pages load nothing, and browsers see to it."""

PACKAGE = Path(__file__).resolve().parent
FOLDERS = (PACKAGE / "_data", PACKAGE.parents[1] / "schemas" / "v1" / "dist")
"""Where the files are: inside an installed wheel, or in a checkout."""


def routes(root_path: str) -> list[Route]:
    """Make the routes of what is there; an installation without the files has none."""
    found = [(path, _find(name), media_type) for path, (name, media_type) in PAGES.items()]
    return [_route(root_path + path, file, media_type) for path, file, media_type in found if file]


def _route(path: str, file: Path, media_type: str) -> Route:
    async def page(_request: Request) -> Response:
        return Response(_read(file), media_type=media_type, headers=HEADERS)

    return Route(path, page, methods=["GET"])


def _find(name: str) -> Path | None:
    return next((folder / name for folder in FOLDERS if (folder / name).is_file()), None)


@cache
def _read(file: Path) -> bytes:
    return file.read_bytes()

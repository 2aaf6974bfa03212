"""The documents as pages for people: HTML that needs no script and loads nothing.

A server serves the OpenAPI page at `docs` and the AsyncAPI page at `docs/events`, with the documents beside
them at `docs/openapi.json` and `docs/asyncapi.json`; that is what the links expect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from contract.definitions import Schema
from contract.documents import NOTE
from contract.prose import Writer, json_text, name_of

__all__ = ["pages", "templates"]

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Box:
    """One box of a page: its anchor, its name in the table of contents in Markdown, and what the document says.

    `method` and `path` are those of an HTTP request.
    """

    anchor: str
    name: str
    said: Schema
    method: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Boxes below one heading; `kind` names the macro that writes each.

    `folded` keeps them out of sight in the table of contents.
    """

    kind: str
    title: str
    introduction: str
    boxes: Sequence[Box]
    folded: bool = False


def pages(openapi: Schema, asyncapi: Schema) -> dict[str, str]:
    """Return the two pages, by file name."""
    endpoints = {path: f"#{_anchor(path)}" for path in openapi["paths"]}
    events = {name: f"#{name}" for name in asyncapi["operations"]}
    http = _writer(openapi, endpoints | {name: f"docs/events{anchor}" for name, anchor in events.items()})
    socket = _writer(asyncapi, {path: f"../docs{anchor}" for path, anchor in endpoints.items()} | events)
    return {
        "openapi.html": _page(
            openapi,
            [*_operations(openapi), _definitions(openapi)],
            http,
            {"docs/events": "Socket.IO events", "docs/openapi.json": "openapi.json"},
        ),
        "asyncapi.html": _page(
            asyncapi,
            [*_events(asyncapi), _definitions(asyncapi)],
            socket,
            {"../docs": "HTTP requests", "asyncapi.json": "asyncapi.json"},
        ),
    }


def _writer(document: Schema, links: dict[str, str]) -> Writer:
    """Make the writer of a page; what is also the name of a field, such as `login`, leads nowhere."""
    definitions = document["components"]["schemas"]
    fields = {field for schema in definitions.values() for field in schema.get("properties", ())}
    clear = {name: target for name, target in links.items() if name not in fields}
    return Writer(definitions, clear | {name: f"#{name}" for name in definitions})


def _page(document: Schema, groups: Sequence[Group], writer: Writer, elsewhere: Mapping[str, str]) -> str:
    return (
        templates()
        .get_template("page.html.j2")
        .render(
            document=document,
            introduction=document["info"]["description"].partition(NOTE)[0],
            groups=groups,
            writer=writer,
            plain=Writer({}, {}),
            elsewhere=elsewhere,
            style=Markup((HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704
        )
    )


def templates() -> Environment:
    """Return what loads the templates of the pages; `Writer` has escaped what it writes, all else is escaped here."""
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"json": json_text, "referred": name_of}
    return environment


def _operations(document: Schema) -> Iterator[Group]:
    for tag in document["tags"]:
        boxes = [
            Box(_anchor(path), f"{method.upper()} `{path}`", operation, method, path)
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if tag["name"] in operation["tags"]
        ]
        title = "Discovery" if tag["name"] == "discovery" else f"Profile `{tag['name']}`"
        yield Group("operation", title, tag["description"], boxes)
    scheme = document["components"]["securitySchemes"]["token"]
    yield Group("token", "Tokens", "", [Box("token", "Authorization", scheme)])


def _events(document: Schema) -> Iterator[Group]:
    directions = {
        "receive": ("A client sends", "`login` is the one event of clients, and asks for an acknowledgement."),
        "send": ("A client receives", "Each comes with one argument, a JSON object."),
    }
    for action, (title, introduction) in directions.items():
        boxes = [
            Box(name, f"`{name}`", operation)
            for name, operation in document["operations"].items()
            if operation["action"] == action
        ]
        yield Group("event", title, introduction, boxes)


def _definitions(document: Schema) -> Group:
    boxes = [Box(name, f"`{name}`", schema) for name, schema in document["components"]["schemas"].items()]
    introduction = "What a client receives may have members that are not listed; it ignores them."
    return Group("definition", "Shapes", introduction, boxes, folded=True)


def _anchor(path: str) -> str:
    return path.strip("/").replace("/", "-").lstrip(".")

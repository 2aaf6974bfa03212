"""The documents as pages for people: HTML that needs no script and loads nothing.

A server serves the OpenAPI page at `docs` and the AsyncAPI page at `docs/events`, with the documents beside
them at `docs/openapi.json` and `docs/asyncapi.json`; that is what the links expect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from contract.definitions import Json, Schema
from contract.documents import NOTE
from contract.prose import Writer, value

__all__ = ["pages"]

STYLE: Final = Path(__file__).with_name("page.css")


@dataclass(frozen=True, slots=True)
class Entry:
    """One box of a page: its anchor, its name in the table of contents in Markdown, and its HTML."""

    anchor: str
    name: str
    html: str


@dataclass(frozen=True, slots=True)
class Group:
    """Boxes below one heading; `folded` keeps them out of sight in the table of contents."""

    title: str
    introduction: str
    entries: list[Entry]
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
            [*_operations(openapi, http), _definitions(http)],
            http,
            {"docs/events": "Socket.IO events", "docs/openapi.json": "openapi.json"},
        ),
        "asyncapi.html": _page(
            asyncapi,
            [*_events(asyncapi, socket), _definitions(socket)],
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


def _page(document: Schema, groups: list[Group], writer: Writer, elsewhere: Mapping[str, str]) -> str:
    info = document["info"]
    others = " · ".join(f'<a href="{href}">{name}</a>' for href, name in elsewhere.items())
    plain = Writer({}, {})
    body = "\n".join(
        f"<section>\n<h2>{plain.inline(group.title)}</h2>\n{writer.block(group.introduction)}\n"
        + "\n".join(f'<article id="{entry.anchor}">\n{entry.html}\n</article>' for entry in group.entries)
        + "\n</section>"
        for group in groups
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info["title"])}</title>
<link rel="icon" href="data:,">
<style>
{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<div class="frame">
<nav aria-label="Contents">
{"".join(_contents(group, plain) for group in groups)}
</nav>
<main id="content">
<h1>{escape(info["title"])}</h1>
<p class="quiet">Version {escape(info["version"])} · {others}</p>
{writer.block(info["description"].partition(NOTE)[0])}
{body}
</main>
</div>
</body>
</html>
"""


def _contents(group: Group, writer: Writer) -> str:
    items = "".join(f'<li><a href="#{entry.anchor}">{writer.inline(entry.name)}</a></li>' for entry in group.entries)
    title = writer.inline(group.title)
    if group.folded:
        return f"<details><summary>{title}</summary><ul>{items}</ul></details>\n"
    return f"<h2>{title}</h2><ul>{items}</ul>\n"


def _operations(document: Schema, writer: Writer) -> Iterator[Group]:
    for tag in document["tags"]:
        entries = [
            Entry(_anchor(path), f"{method.upper()} `{path}`", "\n".join(_operation(method, path, operation, writer)))
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if tag["name"] in operation["tags"]
        ]
        title = "Discovery" if tag["name"] == "discovery" else f"Profile `{tag['name']}`"
        yield Group(title, tag["description"], entries)
    scheme = document["components"]["securitySchemes"]["token"]
    token = f"<h3><code>Authorization: Bearer …</code></h3>\n{writer.block(scheme['description'])}"
    yield Group("Tokens", "", [Entry("token", "Authorization", token)])


def _operation(method: str, path: str, operation: Schema, writer: Writer) -> Iterator[str]:
    yield f'<h3><span class="verb {method}">{method.upper()}</span> <code>{escape(path)}</code></h3>'
    yield f"<p><strong>{writer.inline(operation['summary'])}.</strong></p>"
    yield writer.block(operation["description"])
    if body := operation.get("requestBody"):
        media = " or ".join(f"<code>{escape(name)}</code>" for name in body["content"])
        content = next(iter(body["content"].values()))
        yield f"<h4>Body</h4>\n<p>{media}: {writer.words(content['schema'])}</p>"
        yield from _tables(content["schema"], writer)
        yield from _examples(content["examples"], writer)
    yield "<h4>Replies</h4>"
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json")
        kind = "" if status == "200" else " fail"
        shape = f" {writer.words(content['schema'])}" if content else ""
        yield f'<p><span class="verb{kind}">{status}</span> {writer.inline(response["description"])}{shape}</p>'
        yield from _examples(content["examples"] if content else {}, writer)


def _events(document: Schema, writer: Writer) -> Iterator[Group]:
    directions = {
        "receive": ("A client sends", "`login` is the one event of clients, and asks for an acknowledgement."),
        "send": ("A client receives", "Each comes with one argument, a JSON object."),
    }
    for action, (title, introduction) in directions.items():
        entries = [
            Entry(name, f"`{name}`", "\n".join(_event(name, operation, document, writer)))
            for name, operation in document["operations"].items()
            if operation["action"] == action
        ]
        yield Group(title, introduction, entries)


def _event(name: str, operation: Schema, document: Schema, writer: Writer) -> Iterator[str]:
    profiles = ", ".join(tag["name"] for tag in operation["tags"])
    arrow = "→ server" if operation["action"] == "receive" else "← server"
    yield (
        f'<h3><span class="verb in">{arrow}</span> <code>{escape(name)}</code> <small>profile {profiles}</small></h3>'
    )
    yield f"<p><strong>{writer.inline(operation['title'])}.</strong> {writer.inline(operation['summary'])}</p>"
    yield writer.block(operation["description"])
    for heading, holder in (("Payload", operation), ("Acknowledgement", operation.get("reply"))):
        for reference in holder["messages"] if holder else ():
            message = document["components"]["messages"][_tail(reference)]
            yield f"<h4>{heading}</h4>\n<p>{writer.words(message['payload'])} {writer.inline(message['summary'])}</p>"
            yield from _tables(message["payload"], writer)
            yield from _examples({one["name"]: {"value": one["payload"]} for one in message["examples"]}, writer)


def _definitions(writer: Writer) -> Group:
    entries = [Entry(name, f"`{name}`", "\n".join(_definition(name, writer))) for name in writer.definitions]
    introduction = "What a client receives may have members that are not listed; it ignores them."
    return Group("Shapes", introduction, entries, folded=True)


def _definition(name: str, writer: Writer) -> Iterator[str]:
    schema = writer.definitions[name]
    yield f"<h3><code>{name}</code></h3>"
    yield writer.block(schema["description"])
    if "properties" in schema:
        yield writer.table(schema)
    else:
        yield f"<p>{writer.words({key: item for key, item in schema.items() if key != 'description'})}</p>"
    yield from _examples({str(number): {"value": item} for number, item in enumerate(schema["examples"], 1)}, writer)


def _tables(schema: Schema, writer: Writer) -> Iterator[str]:
    """Yield the fields of the object that is referred to, or those of each alternative."""
    definition = writer.definitions[_tail(schema)]
    for branch in definition.get("oneOf", ()):
        yield f"<h5>{writer.words(branch).rstrip('.')}</h5>"
        yield from _tables(branch, writer)
    if "properties" in definition:
        yield writer.block(definition["description"])
        yield writer.table(definition)


def _examples(examples: Mapping[str, Json], writer: Writer) -> Iterator[str]:
    for name, example in examples.items():
        title = example.get("summary", name.replace("_", " "))
        yield f"<details><summary>Example: {writer.inline(title)}</summary>{value(example['value'])}</details>"


def _tail(reference: Schema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _anchor(path: str) -> str:
    return path.strip("/").replace("/", "-").lstrip(".")

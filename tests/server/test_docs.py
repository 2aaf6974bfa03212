"""The pages at `/docs`: complete, self-contained, and linked with each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from signalproof_server import docs
from signalproof_server.app import create_app
from signalproof_server.config import Settings

if TYPE_CHECKING:
    from tests.server.conftest import Running

DIST = Path(__file__).resolve().parents[2] / "schemas" / "v1" / "dist"
HTML = [path for path, (name, _) in docs.PAGES.items() if name.endswith(".html")]
VOID = {"meta", "link", "br"}


class Page(HTMLParser):
    """What a page has: the tags, the ids, the links, and whether each tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag down."""
        found = dict(attrs)
        self.tags.append((tag, found))
        if "id" in found:
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found["href"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Expect that it is the last one that was opened."""
        assert self.open.pop() == tag


def ask(url: str, path: str, **headers: str) -> httpx.Response:
    """Get one path."""
    return httpx.get(url + path, headers=headers)


def pages(server: Running) -> Iterator[tuple[str, Page]]:
    """Yield the pages for people, by path."""
    for path in HTML:
        page = Page(ask(server.url, path).text)
        assert page.open == []
        yield path, page


@pytest.mark.parametrize(("path", "page"), docs.PAGES.items(), ids=docs.PAGES)
def test_a_page_is_the_generated_file(server: Running, path: str, page: tuple[str, str]) -> None:
    """Byte for byte, with its type, and for pages of other origins as well."""
    name, media_type = page
    reply = ask(server.url, path, origin="https://other.example")
    assert reply.status_code == 200
    assert reply.content == (DIST / name).read_bytes()
    assert reply.headers["content-type"] == media_type
    assert reply.headers["access-control-allow-origin"] == "*"


def test_the_pages_load_nothing(server: Running) -> None:
    """No script, no image, no font, no frame and no style sheet from anywhere; the browser is told so too."""
    for path, page in pages(server):
        assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "embed", "form"}
        assert [attributes for tag, attributes in page.tags if tag == "link"] == [{"rel": "icon", "href": "data:,"}]
        assert not [attributes for _, attributes in page.tags if "src" in attributes or "style" in attributes]
        text = ask(server.url, path).text
        assert "@import" not in text
        assert "url(" not in text
        assert "default-src 'none'" in ask(server.url, path).headers["content-security-policy"]


def test_every_link_leads_to_something_here(server: Running) -> None:
    """Anchors of the page itself and of the other page, and the documents."""
    found = dict(pages(server))
    counted = 0
    for path, page in found.items():
        assert len(set(page.ids)) == len(page.ids)
        for link in page.links:
            target = urlsplit(urljoin(f"{server.url}{path}", link))
            assert f"{target.scheme}://{target.netloc}" == server.url
            assert target.path in docs.PAGES
            if target.fragment:
                assert target.fragment in found[target.path].ids, link
            counted += 1
    assert counted > 100


def test_every_operation_and_every_shape_has_a_box(server: Running) -> None:
    """Nothing that the documents describe is left out."""
    found = dict(pages(server))
    http, sockets = (
        json.loads((DIST / name).read_text(encoding="utf-8")) for name in ("openapi.json", "asyncapi.json")
    )
    named = {path.strip("/.").replace("/", "-") for path in http["paths"]}
    assert set(found["/docs"].ids) == named | http["components"]["schemas"].keys() | {"content", "token"}
    events = sockets["operations"].keys() | sockets["components"]["schemas"].keys()
    assert set(found["/docs/events"].ids) == events | {"content"}


def test_a_page_is_not_posted_to(server: Running) -> None:
    """Other methods are refused as everywhere."""
    reply = httpx.post(f"{server.url}/docs")
    assert (reply.status_code, reply.json()["code"]) == (405, "bad_request")


def listed(app: Any) -> set[str]:
    """Get the paths of the routes of an application."""
    return {route.path for route in app.http.app.routes}


def test_the_pages_lie_below_the_root_path() -> None:
    """As everything does."""
    assert listed(create_app(Settings(root_path="/api"))) >= {f"/api{path}" for path in docs.PAGES}


def test_without_the_files_there_are_no_pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The protocol does not depend on them."""
    monkeypatch.setattr(docs, "FOLDERS", (tmp_path,))
    routes = listed(create_app(Settings()))
    assert "/offer" in routes
    assert not routes & docs.PAGES.keys()

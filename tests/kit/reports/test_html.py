"""The HTML report: nothing of the target becomes markup, nothing is fetched, and people can read and use it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.kit.browser import running_browser
from tests.kit.sample_reports import HOSTILE, conformant, failing, report, unusable

from signalproof.reports import diagram, html, plot
from signalproof.reports.shape import Message, Report

if TYPE_CHECKING:
    from tests.kit.browser import Browser

REPORTS: Final[dict[str, Callable[[], Report]]] = {
    "conformant": conformant,
    "failing": failing,
    "hostile": lambda: failing("\n".join(HOSTILE)),
    "unusable": unusable,
}
SCREENS: Final = {"desktop": (1200, 900, False), "phone": (360, 740, True)}


class Reader(HTMLParser):
    """Gathers the elements, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._now = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element."""
        self.elements.append((tag, dict(attrs)))
        self._now = tag

    def handle_data(self, data: str) -> None:
        """Take a text."""
        self.texts.setdefault(self._now, []).append(data)


def read(made: Report) -> Reader:
    """Render a report and read the page."""
    return Reader(html.render(made).decode("utf-8"))


# ── without a browser ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("make", [failing, unusable])
def test_hostile_texts_are_text(make: Callable[[str], Report], text: str) -> None:
    """The page has the same elements and attributes as with a harmless text, and the text is in it.

    But for code spans, which a pair of marks in a hint makes.
    """

    def skeleton(reader: Reader) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in reader.elements if tag != "code"]

    page, harmless = read(make(text)), read(make("harmless"))
    assert skeleton(page) == skeleton(harmless)
    shown = "".join(part for parts in page.texts.values() for part in parts)
    for line in text.encode("utf-8", "replace").decode().split("\n"):
        for part in re.split("[^!-~]+", line.replace("`", " ").replace("?", " ")):
            assert part in shown


def test_a_hostile_name_or_address_is_text() -> None:
    """Also where it stands in an attribute or a title."""
    made = failing()
    made["target"] = made["results"][0]["check"] = HOSTILE[1]
    made["results"][0]["messages"][0] = (0.0, HOSTILE[0], HOSTILE[1], "http", HOSTILE[0], HOSTILE[1])
    names = {tag for tag, _ in read(made).elements}
    assert names == {tag for tag, _ in read(failing()).elements}


@pytest.mark.parametrize("make", REPORTS.values(), ids=REPORTS)
def test_nothing_is_fetched(make: Callable[[], Report]) -> None:
    """No element refers to anything outside, and the policy forbids it."""
    reader = read(make())
    for tag, attributes in reader.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    style = "".join(reader.texts["style"])
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_allows_the_own_style_and_script_alone() -> None:
    """By their hashes."""
    reader = read(failing())
    (policy,) = [a["content"] or "" for tag, a in reader.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        digest = hashlib.sha256("".join(reader.texts[tag][:1]).encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy


def test_every_link_leads_somewhere() -> None:
    """To an id on the page."""
    reader = read(failing())
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {(attributes["href"] or "").removeprefix("#") for tag, attributes in reader.elements if tag == "a"}
    assert links
    assert links <= set(ids)


def test_a_diagram_has_a_column_for_each_participant_and_a_lane_for_each_protocol() -> None:
    """HTTP arrows end at the HTTP lane, Socket.IO arrows at the other one; times and pauses stand at the left."""
    row = failing()["results"][0]
    svg = diagram.draw(row["messages"])
    assert re.findall(r'class="who"[^>]*>([^<]+)<', svg) == ["man", "woman#2", "woman", "server"]
    lanes = dict(re.findall(r'class="lane (\w+)" x="(\d+)"', svg))
    arrows = re.findall(r'<g class="(\w+)"><title>[^<]*</title>.*?<polygon points="(\d+),', svg)
    assert [(kind, int(x)) for kind, x in arrows][:2] == [
        ("sio", int(lanes["sio"]) - 1),
        ("http", int(lanes["http"]) - 1),
    ]
    assert re.findall(r'class="pause"[^>]*>([^<]+)<', svg) == ["+368 ms", "+1.6 s"]
    assert re.findall(r'class="note"[^>]*>([^<]+)<', svg) == ["DTLS connected"]


@pytest.mark.parametrize("people", [0, 1, 2, 8, 30])
def test_a_diagram_holds_any_number_of_participants(people: int) -> None:
    """All of it inside the drawing."""
    svg = diagram.draw([(float(n), f"user{n}", "server", "socket.io", "x" * 200, "") for n in range(people)])
    width, height = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg)[0])
    assert all(0 <= float(x) <= width for x in re.findall(r' (?:x|x1|x2|cx)="([-\d.]+)"', svg))
    assert all(0 <= float(y) <= height for y in re.findall(r' (?:y|y1|y2|cy)="([-\d.]+)"', svg))


def test_the_guilty_message_is_marked_in_words() -> None:
    """For a screen reader in the label, of the drawing too, and for all others beside the arrow."""
    messages = failing()["results"][0]["messages"]
    messages[1] = (12.5, "man", "server", "http", "POST /offer · type=7", "")
    svg = diagram.draw(messages, marks={1: "breaks OFFER-1"})
    told = "12.5 ms, man → server: POST /offer · type=7: breaks OFFER-1"
    assert re.findall(r'<g class="http guilty" role="img" aria-label="([^"]*)"', svg) == [told]
    assert re.findall(r'<svg[^>]* aria-label="([^"]*)"', svg)[0].endswith(told)
    assert re.findall(r'class="mark"[^>]*>([^<]+)<', svg) == ["&gt;&gt;"]
    assert re.findall(r'class="detail"[^>]*>([^<]+)<', svg) == ["breaks OFFER-1 · type=7"]
    assert ">POST /offer<" in svg


def test_a_guilty_note_is_marked_in_its_own_words() -> None:
    """It has no arrow."""
    svg = diagram.draw([(1.0, "man", "man", "socket.io", "waits in vain", "")], marks={0: "breaks OFFER-1"})
    assert re.findall(r'class="note"[^>]*>([^<]+)<', svg) == ["waits in vain · breaks OFFER-1"]


def test_nothing_is_left_out_and_what_is_not_needed_is_folded() -> None:
    """Each message is drawn once; the columns stand where they stand in the other parts."""
    made = failing()
    row = made["results"][1]
    parts = html._parts(row)
    assert [part.words for part in parts] == ["", "2 cases passed: 8 messages", "", "later nothing"]
    times = re.findall(r'class="time"[^>]*>([\d.]+)<', "".join(part.drawing for part in parts))
    assert times == [f"{message[0]:.1f}" for message in row["messages"]]
    assert len({tuple(re.findall(r'class="who" x="(\d+)"', part.drawing)) for part in parts}) == 1
    made["results"] = [row]
    page = html.render(made).decode()
    assert page.count('<details class="folded">') == 2
    assert "left out" not in page
    assert "Raw transcript (48 messages)" in page


def test_a_fold_with_more_participants_has_columns_of_its_own() -> None:
    """So that those whom the shown part does not know are drawn too."""
    others: list[Message] = [(1.0, "boy", "server", "http", "a", ""), (2.0, "girl", "server", "http", "b", "")]
    svg = diagram.draw(others, among=[(3.0, "man", "server", "http", "c", "")])
    assert re.findall(r'class="who"[^>]*>([^<]+)<', svg) == ["boy", "girl", "server"]


def test_the_usual_fix_stands_beside_the_requirement() -> None:
    """Once for each that is broken or not followed."""
    page = html.render(failing()).decode()
    assert page.count("<dt>typical fix</dt>") == 2
    assert "<dd>Mend <code>OFFER-1</code>.</dd>" in page


@pytest.mark.parametrize("values", [[0.0], [5.0] * 9, [0.04, 12.0, 5000.0], [1000.0, 1000.1]])
def test_a_plot_holds_any_times(values: list[float]) -> None:
    """None lies outside."""
    svg = plot.draw([plot.Distribution("x", values)], "title")
    (width,) = map(int, re.findall(r'viewBox="0 0 (\d+)', svg))
    assert all(0 <= float(x) <= width for x in re.findall(r' (?:x|x1|x2)="([-\d.]+)"', svg))


@pytest.mark.parametrize(("part", "value"), [(0.5, 51.0), (0.95, 96.0), (1.0, 100.0)])
def test_quantiles_are_values_that_occurred(part: float, value: float) -> None:
    """By the nearest rank."""
    assert plot.quantile([float(n) for n in range(1, 101)], part) == value


def test_code_spans_of_the_specification_are_shown_as_code() -> None:
    """A mark without a partner stays what it is."""
    assert html._prose("the `sid` of `<b>`") == "the <code>sid</code> of <code>&lt;b&gt;</code>"
    assert html._prose("a ` b") == "a ` b"
    assert html._prose("`a` and ` b") == "<code>a</code> and ` b"


# ── in a browser ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this module."""
    with running_browser() as started:
        yield started


def saved(folder: Path, made: Report) -> Path:
    """Write the page into a file."""
    path = folder / "report.html"
    path.write_bytes(html.render(made))
    return path


@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
@pytest.mark.parametrize("make", REPORTS.values(), ids=REPORTS)
def test_the_page_is_accessible_and_quiet(
    browser: Browser, tmp_path: Path, make: Callable[[], Report], screen: tuple[int, int, bool]
) -> None:
    """No message on the console, nothing wider than the screen, no script of others, and axe finds nothing."""
    width, height, dark = screen
    axe = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    with browser.page() as page:
        page.open(saved(tmp_path, make()), width=width, height=height, dark=dark)
        page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        assert page.evaluate("typeof window.hostile") == "undefined"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.complaints == []
        page.evaluate(f"{axe}; 0")
        violations: list[dict[str, Any]] = page.evaluate("axe.run().then((found) => found.violations)")
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in violations] == []


def test_the_filters_choose_requirements(browser: Browser, tmp_path: Path) -> None:
    """By outcome, profile, level and text; the number says how many are left."""
    visible = "[...document.querySelectorAll('%s')].filter((one) => !one.hidden).map((one) => one.id)"
    shown, articles = visible % ".requirements tbody tr", visible % ".breach[data-outcome]"

    def choose(name: str, value: str) -> None:
        page.evaluate(
            f"document.forms[0].elements[{name!r}].value = {value!r}; "
            "document.forms[0].dispatchEvent(new Event('input', {bubbles: true}))"
        )

    with browser.page() as page:
        page.open(saved(tmp_path, failing()), width=1200, height=900, dark=False)
        everything = page.evaluate(shown)
        assert len(everything) == len(failing()["requirements"])
        choose("outcome", "broken")
        assert page.evaluate(shown) == ["req-OFFER-1"]
        assert page.evaluate(articles) == ["OFFER-1"]
        assert page.evaluate("document.forms[0].elements.count.value") == f"1 of {len(everything)} requirements"
        choose("level", "SHOULD")
        assert page.evaluate(shown) == []
        assert page.evaluate("document.querySelector('.nothing').hidden") is False
        choose("outcome", "")
        assert "req-HTTP-14" in page.evaluate(shown)
        choose("level", "")
        choose("text", "EXACTLY once live connection")
        assert "req-OFFER-1" in page.evaluate(shown)
        choose("profile", "ice")
        assert "req-OFFER-1" not in page.evaluate(shown)
        page.evaluate("location.hash = '#req-OFFER-1'")
        assert page.evaluate(f"new Promise((go) => setTimeout(() => go({shown}), 50))") == everything


def test_without_scripts_the_page_shows_everything(browser: Browser, tmp_path: Path) -> None:
    """Only the filters are missing, which would do nothing."""
    with browser.page() as page:
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.open(saved(tmp_path, failing()), width=1200, height=900, dark=False)
        assert page.evaluate("document.querySelectorAll('.requirements tbody tr').length") > 100
        assert page.evaluate("getComputedStyle(document.querySelector('.filters')).display") == "none"


def test_the_printed_page_is_light_and_has_no_controls(browser: Browser, tmp_path: Path) -> None:
    """Also for somebody who reads dark on the screen."""
    with browser.page() as page:
        page.open(saved(tmp_path, failing()), width=800, height=1000, dark=True, printed=True)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.querySelector('.filters')).display") == "none"


def test_an_empty_report_is_a_page(tmp_path: Path) -> None:
    """Nothing ran, nothing is divided by."""
    assert b"Requirements" in html.render(report(timings=[]))

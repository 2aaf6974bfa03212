"""Reads an HTTP reply as the contract does: accepted, refused, or neither."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

from signalproof.net.http import HttpReply
from signalproof.protocol.schemas import violation
from signalproof.text.redact import cut
from signalproof.text.untrusted import TooDeep, printable, read_json

__all__ = ["Outcome", "Reply", "no_reply", "read_reply"]


_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


class Outcome(StrEnum):
    """What a reply means (spec/errors.md). `BROKEN` is neither an acceptance nor a refusal."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply and its meaning.

    `status` is 0 when no reply came; `body` is the decoded JSON value or None; `text` is for people;
    `broken` names the requirement that a `BROKEN` reply violates.
    """

    outcome: Outcome
    status: int
    body: Any
    text: str
    broken: str | None = None
    problem: str | None = None
    raw: HttpReply | None = None

    @property
    def client_error(self) -> bool:
        """Whether the HTTP status is 4xx."""
        return 400 <= self.status < 500

    @property
    def code(self) -> object:
        """The refusal's `code`, or None."""
        return self.body.get("code") if isinstance(self.body, dict) else None

    def describe(self) -> str:
        """Say in one line what came."""
        return self.text if self.problem is None else f"{self.text} ({self.problem})"


def no_reply(problem: str) -> Reply:
    """Make the reply that stands for a time-out or a dropped connection: never a refusal."""
    return Reply(Outcome.BROKEN, 0, None, problem, broken="HTTP-12")


def read_reply(raw: HttpReply, accepted_schema: str) -> Reply:
    """Decide what `raw` means for an endpoint whose success has the schema `accepted_schema`."""
    content_type = raw.headers.get("content-type", "")
    return replace(_judge(raw.status, content_type, raw.body, accepted_schema), raw=raw)


@lru_cache(maxsize=512)
def _judge(status: int, content_type: str, content: bytes, accepted_schema: str) -> Reply:
    """Judge a reply; most replies of a run are the same few, so each is judged once."""
    media_type = content_type.split(";", maxsplit=1)[0].strip().lower()
    text = f"HTTP {status} {_excerpt(content)}".rstrip()

    def broken(requirement: str, problem: str, body: object = None) -> Reply:
        return Reply(Outcome.BROKEN, status, body, text, requirement, problem)

    if status >= 500:
        return broken("HTTP-12", "a server error")
    if media_type != "application/json":
        return broken("HTTP-3", f"content type {content_type or 'missing'}")
    body = _object(content)
    if isinstance(body, str):
        return broken("HTTP-3", body)
    if body.get("status", 0) != 0:
        problem = violation("Failure", body)
        if problem is None and status != 200 and not 400 <= status < 500:
            problem = f"a refusal with HTTP {status}"
        outcome = Outcome.REFUSED
    else:
        problem = violation(accepted_schema, body)
        if problem is None and status != 200:
            problem = f"a success with HTTP {status}"
        outcome = Outcome.ACCEPTED
    if problem is not None:
        return broken("HTTP-15", problem, body)
    return Reply(outcome, status, body, text)


def _object(content: bytes) -> dict[str, Any] | str:
    """Read a JSON object, or say why there is none."""
    try:
        body = read_json(content.decode("utf-8"))
    except TooDeep as error:
        return str(error)
    except ValueError:
        return "not JSON"
    return body if isinstance(body, dict) else "not a JSON object"


def _excerpt(body: bytes) -> str:
    if title := _TITLE.search(body[:20_000]):
        # A page begins with what all pages begin with; its title says what happened.
        words = " ".join(html.unescape(title[1].decode("utf-8", "replace")).split())
        return f"an HTML page, {cut(words, 100)!r}"
    text = " ".join(cut(body[:400].decode("utf-8", "replace"), 390).split())
    return cut(printable(text), 120)

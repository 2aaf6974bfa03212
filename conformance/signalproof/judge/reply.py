"""Reads an HTTP reply as the contract does: accepted, refused, or neither."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
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
    """What became of a request, as far as its reply tells (spec/errors.md).

    `UNCLEAR` is a reply from which no client can know: a server error, a page in place of JSON, no reply at all.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply and its meaning.

    `status` is 0 when no reply came; `body` is the decoded JSON value or None; `text` is for people. A reply can be
    wrong and clear all the same: `broken` names the requirement that it violates by itself, and `problem` says how.
    `late` says that none came within the time limit.
    """

    outcome: Outcome
    status: int
    body: Any
    text: str
    broken: str | None = None
    problem: str | None = None
    raw: HttpReply | None = None
    late: bool = False

    @property
    def client_error(self) -> bool:
        """Whether the HTTP status is 4xx."""
        return 400 <= self.status < 500

    @property
    def code(self) -> object:
        """The refusal's `code`, or None."""
        return self.told("code")

    def told(self, key: str) -> object:
        """Give what the body says under a key, or None; a page says nothing under any."""
        return self.body.get(key) if isinstance(self.body, dict) else None

    @property
    def title(self) -> str | None:
        """The title of an HTML page, which says more than its first lines."""
        return _title(self.raw.body) if self.raw else None

    def describe(self) -> str:
        """Say in one line what came."""
        return self.text if self.problem is None else f"{self.text} ({self.problem})"


def no_reply(problem: str, *, late: bool = False) -> Reply:
    """Make the reply that stands for a time-out (`late`) or a dropped connection: never a refusal."""
    return Reply(Outcome.UNCLEAR, 0, None, problem, broken="HTTP-12", late=late)


def read_reply(raw: HttpReply, accepted_schema: str) -> Reply:
    """Decide what `raw` means for an endpoint whose success has the schema `accepted_schema`."""
    content_type = raw.headers.get("content-type", "")
    return replace(_judge(raw.status, content_type, raw.body, accepted_schema), raw=raw)


@lru_cache(maxsize=512)
def _judge(status: int, content_type: str, content: bytes, accepted_schema: str) -> Reply:
    """Judge a reply; most replies of a run are the same few, so each is judged once."""
    text = f"HTTP {status} {_excerpt(content)}".rstrip()
    body = _object(content)
    if status >= 500:
        return Reply(Outcome.UNCLEAR, status, body, text, "HTTP-12", "a server error")
    if isinstance(body, str):
        # What has no JSON in it can still be told from a success by its status.
        outcome = Outcome.REFUSED if 400 <= status < 500 else Outcome.UNCLEAR
        return Reply(outcome, status, None, text, "HTTP-3", _wrong_type(content_type) or body)
    outcome, problem = _meaning(status, body, accepted_schema)
    if wrong := _wrong_type(content_type):
        return Reply(outcome, status, body, text, "HTTP-3", wrong)
    return Reply(outcome, status, body, text, "HTTP-15" if problem else None, problem)


def _wrong_type(content_type: str) -> str | None:
    media_type = content_type.split(";", maxsplit=1)[0].strip().lower()
    return None if media_type == "application/json" else f"content type {content_type or 'missing'}"


def _meaning(status: int, body: Mapping[str, Any], accepted_schema: str) -> tuple[Outcome, str | None]:
    """Say what a JSON object means, and what is wrong with it."""
    if body.get("status", 0) != 0 or 400 <= status < 500:
        problem = _lacking(body) or violation("Failure", body)
        if problem is None and status != 200 and not 400 <= status < 500:
            problem = f"a refusal with HTTP {status}"
        return Outcome.REFUSED, problem
    problem = violation(accepted_schema, body) or _keyless(accepted_schema, body)
    if problem is None and status != 200:
        problem = f"a success with HTTP {status}, and a success is HTTP 200"
    unclear = not 200 <= status < 300 or (problem is not None and "status" not in body and status == 200)
    return Outcome.UNCLEAR if unclear else Outcome.ACCEPTED, problem


def _keyless(accepted_schema: str, body: Mapping[str, Any]) -> str | None:
    """Say what an accepted reply of `/ice` lacks: it has one of two keys, which its schema cannot say."""
    if accepted_schema == "IceAccepted" and not {"status", "ice"} & body.keys():
        return "a success that has neither `status` 0 nor `ice`"
    return None


def _lacking(body: Mapping[str, Any]) -> str | None:
    """Say what a refusal lacks, in the words of the specification."""
    if body.get("status") == 0:
        return "`status` 0 says success, and HTTP says refusal"
    lacks = [f"`{key}`" for key in ("status", "message") if key not in body]
    return f"a refusal that lacks {' and '.join(lacks)}" if lacks else None


def _object(content: bytes) -> dict[str, Any] | str:
    """Read a JSON object, or say why there is none."""
    try:
        body = read_json(content.decode("utf-8"))
    except TooDeep as error:
        return str(error)
    except ValueError:
        return "not JSON"
    return body if isinstance(body, dict) else "not a JSON object"


def _title(content: bytes) -> str | None:
    title = _TITLE.search(content[:20_000])
    return " ".join(html.unescape(title[1].decode("utf-8", "replace")).split()) if title else None


def _excerpt(body: bytes) -> str:
    if title := _title(body):
        # A page begins with what all pages begin with; its title says what happened.
        return f"an HTML page, {cut(title, 100)!r}"
    text = " ".join(cut(body[:400].decode("utf-8", "replace"), 390).split())
    return cut(printable(text), 120)

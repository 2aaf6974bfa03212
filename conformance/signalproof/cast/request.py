"""How a request is made: the ordinary one of its kind, or one that departs from it in a named way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypedDict

from signalproof.cast.label import otherwise
from signalproof.errors import KitError
from signalproof.protocol.defects import OMIT, Altered
from signalproof.protocol.schemas import violation
from signalproof.protocol.wire import Body, Encoding, Fields, Kind, encode_body

__all__ = ["Request", "Variation", "compose", "require_sound"]


class Variation(TypedDict, total=False):
    """How a request departs from the ordinary one.

    `fields` overrides single fields (`OMIT` leaves one out, `Altered` changes the ordinary value), `body` the whole
    body, `path` the endpoint, and `recode` changes the body once it is encoded. A message that breaks its schema has
    to be declared `malformed`; all others are checked before they are sent. `authorization` stands in for the header
    of that name; None sends none.
    """

    fields: Mapping[str, object]
    encoding: Encoding
    body: Body
    recode: Callable[[Body], Body]
    method: str
    path: str
    malformed: bool
    authorization: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `fields` are those of its body, none where the body was given whole.

    `sound` says that it is meant to keep its schema, `ordinary` that nothing about it is special. `changed` names the
    fields that depart from the ordinary ones, `altered` says how the body does, and `stranger` how its credentials do.
    """

    kind: Kind
    method: str
    path: str
    headers: Mapping[str, str]
    body: Body
    fields: Fields
    sound: bool
    ordinary: bool
    changed: tuple[str, ...] = ()
    altered: str = ""
    stranger: str | None = None

    def require_sound(self) -> None:
        """See that a message that is meant to keep its schema does."""
        if self.fields and self.sound:
            require_sound(self.kind.request_schema, self.fields)


def require_sound(schema: str, message: Fields) -> None:
    """See, before a refusal is held against the target, that the kit's own message is sound; raises `KitError`."""
    if problem := violation(schema, message, content=True):
        raise KitError(f"the kit has sent a malformed message: {problem}")


def compose(kind: Kind, base: Fields, authorization: Mapping[str, str], variation: Variation) -> Request:
    """Make a request of this kind: `base` are its ordinary fields, `authorization` its ordinary header."""
    body = variation.get("body")
    fields: Fields = {}
    altered = ""
    if body is not None:
        form = (body.content_type or "").startswith(Encoding.FORM)
        altered = otherwise(encode_body(base, Encoding.FORM if form else Encoding.JSON), body)
    else:
        wanted = {**base, **variation.get("fields", {})}
        given = {k: v.change(base.get(k)) if isinstance(v, Altered) else v for k, v in wanted.items()}
        fields = {k: v for k, v in given.items() if v is not OMIT}
        body = ordinary = encode_body(fields, variation.get("encoding", Encoding.JSON))
        if "recode" in variation:
            body = variation["recode"](body)
            altered = otherwise(ordinary, body)
    stranger = None
    headers = dict(authorization)
    if "authorization" in variation:
        token = variation["authorization"]
        headers = {} if token is None else {"authorization": token}
        if headers != authorization:
            stranger = "without a token" if token is None else "with another token"
    if body.content_type is not None:
        headers["content-type"] = body.content_type
    return Request(
        kind,
        variation.get("method", "POST"),
        variation.get("path", kind.path),
        headers,
        body,
        fields,
        sound=not variation.get("malformed", False),
        ordinary=not variation or variation == {"encoding": Encoding.JSON},
        changed=tuple(variation.get("fields", {})) if fields else (),
        altered=altered,
        stranger=stranger,
    )

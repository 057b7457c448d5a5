"""What the services of the sandbox have in common: routes, requests, answers and refusals."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl

__all__ = ["Caller", "FilePart", "Refusal", "Reply", "Request", "Route", "Service", "new_id", "route"]

#: What a refusal is called where the service has no name of its own for it.
TITLES = {
    400: "BAD_REQUEST",
    401: "AUTHENTICATION_FAILED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_SERVER_ERROR",
    501: "NOT_IN_THE_SANDBOX",
    502: "BAD_GATEWAY",
    503: "SERVICE_UNAVAILABLE",
}


@dataclass(frozen=True)
class Caller:
    """Who sends a request: an identity, through a client, with some scopes."""

    client_id: str
    identity_id: str
    username: str
    scopes: frozenset[str]

    @property
    def urn(self) -> str:
        """The identity as a principal."""
        return f"urn:globus:auth:identity:{self.identity_id}"


@dataclass(frozen=True)
class Request:
    """A request as a service sees it; `path` starts after the service's name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    caller: Caller | None = None

    def json(self) -> Any:
        """Return the body as JSON."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError as error:
            raise Refusal(400, f"the body is no JSON: {error}") from error

    def form(self) -> dict[str, str]:
        """Return the body as a form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def by(self) -> Caller:
        """The caller, of a route that is closed to anonymous ones."""
        if self.caller is None:
            raise Refusal(401, "a token is needed")
        return self.caller


@dataclass(frozen=True)
class FilePart:
    """Bytes of a file, to be sent as they are."""

    path: Path
    start: int
    size: int


@dataclass(frozen=True)
class Reply:
    """An answer: JSON, a part of a file, or text of another type."""

    document: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class Refusal(Exception):  # noqa: N818 - it ends a request, as HTTP means it
    """A request is refused; the service puts it into its own words."""

    def __init__(self, status: int, text: str, code: str | None = None, /, **more: Any) -> None:
        super().__init__(text)
        self.status = status
        self.code = code or TITLES.get(status, "ERROR")
        self.more = more


@dataclass(frozen=True)
class Route:
    """A method and path, what answers it, and the scopes of which a token needs one."""

    method: str
    pattern: re.Pattern[str]
    scopes: tuple[str, ...] | None
    anonymous: bool
    answer: Callable[..., Any]


def route[**P, R](
    method: str, path: str, *scopes: str, anonymous: bool = False, public: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a method of a service as the answer to `path` (``/task/<task_id>``; ``<*rest>`` may have slashes).

    `scopes` are short names; any token of the service will do without. `public` routes ask for no token, `anonymous`
    ones take a caller without one.
    """
    parts = re.sub(r"<(\\\*)?(\w+)>", lambda part: f"(?P<{part[2]}>{'.' if part[1] else '[^/]'}+)", re.escape(path))
    pattern = re.compile(parts)

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        wanted = None if public else scopes
        marks = [*getattr(function, "_routes", []), Route(method, pattern, wanted, anonymous, function)]
        function._routes = marks  # type: ignore[attr-defined]  # noqa: SLF001
        return function

    return mark


class Service:
    """One of the services; a subclass marks its answers with `route`."""

    name: ClassVar[str]
    #: Scopes as tokens have them: ``{prefix}{name}``.
    scope_prefix: ClassVar[str] = ""

    def __init__(self) -> None:
        self.routes: list[Route] = []
        for attribute in vars(type(self)).values():
            self.routes += getattr(attribute, "_routes", [])

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route of a request and the parts of its path."""
        for known in self.routes:
            if known.method == method and (found := known.pattern.fullmatch(path)):
                return known, found.groupdict()
        raise Refusal(501, f"the sandbox has no {method} {path} of {self.name}")

    def check(self, known: Route, caller: Caller | None, *, given: bool) -> None:
        """Refuse a caller whose token is missing (none was `given`), ended, or lacks the scope for the route."""
        if known.scopes is None or (known.anonymous and not given):
            return
        if caller is None:
            raise Refusal(401, "the token is missing, unknown or has expired")
        wanted = {f"{self.scope_prefix}{name}" for name in (*known.scopes, "all")}
        if known.scopes and not wanted & caller.scopes:
            raise Refusal(403, f"this needs one of the scopes {', '.join(sorted(wanted))}", "MISSING_SCOPE")

    def refusal(self, refusal: Refusal, path: str) -> Any:
        """Return the document that the service refuses with."""
        return {"code": refusal.code, "message": str(refusal), "request_id": new_id()[:9], **refusal.more}

    def close(self) -> None:
        """End what runs."""


def new_id() -> str:
    """Return a new id, as the services make them."""
    return str(uuid.uuid4())

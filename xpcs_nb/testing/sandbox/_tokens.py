"""Tokens of the sandbox: which scopes belong to which service, and who holds what."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from globus_sdk.scopes import AuthScopes, ComputeScopes, FlowsScopes, Scope, ScopeParser

from xpcs_nb.testing.sandbox._service import Caller, Refusal

__all__ = ["Grant", "Tokens"]

#: Services whose scopes do not name them.
BY_CLIENT = {
    FlowsScopes.client_id: FlowsScopes.resource_server,
    ComputeScopes.client_id: ComputeScopes.resource_server,
}
OPENID = {"openid", "profile", "email"}


@dataclass(frozen=True)
class Grant:
    """What an access or refresh token stands for; `expires` in s since the epoch."""

    token: str
    caller: Caller
    resource_server: str
    expires: float
    refresh: bool = False


class Tokens:
    """The tokens given out; safe for threads.

    Parameters
    ----------
    seconds
        How long access tokens live; those of Globus two days.
    knows
        Whether an id is of a flow or collection, which have scopes of their own.
    """

    def __init__(self, seconds: float, knows: Callable[[str], bool]) -> None:
        self.seconds = seconds
        self._knows = knows
        self._grants: dict[str, Grant] = {}
        self._consents: dict[tuple[str, str], list[Scope]] = {}
        self._lock = threading.Lock()

    def parse(self, text: str) -> dict[str, list[Scope]]:
        """Return the scopes asked for by resource server."""
        found: dict[str, list[Scope]] = {}
        for scope in ScopeParser.parse(text):
            found.setdefault(self._resource_server(scope.scope_string), []).append(scope)
        if not found:
            raise Refusal(400, "no scope was asked for", "INVALID_SCOPE")
        return found

    def grant(self, caller: Caller, scopes: dict[str, list[Scope]], *, offline: bool) -> list[tuple[Grant, str | None]]:
        """Give a token for each resource server, and with it one to refresh it if `offline`."""
        with self._lock:
            consents = self._consents.setdefault((caller.client_id, caller.identity_id), [])
            for group in scopes.values():
                consents += group
            given = []
            for server, group in scopes.items():
                holder = replace(caller, scopes=frozenset(scope.scope_string for scope in group))
                refresh = self._new(holder, server, refresh=True).token if offline else None
                given.append((self._new(holder, server), refresh))
            return given

    def renew(self, refresh_token: str, client_id: str) -> Grant:
        """Give a new access token for a refresh token."""
        with self._lock:
            known = self._grants.get(refresh_token)
            if known is None or not known.refresh or known.caller.client_id != client_id:
                raise Refusal(400, "the refresh token is unknown or was revoked", "invalid_grant")
            return self._new(known.caller, known.resource_server)

    def find(self, token: str) -> Grant | None:
        """Return what a token that is known and has not expired stands for."""
        with self._lock:
            grant = self._grants.get(token)
        return None if grant is None or grant.expires <= time.time() else grant

    def revoke(self, token: str) -> None:
        """Forget a token."""
        with self._lock:
            self._grants.pop(token, None)

    def expire(self) -> None:
        """End all access tokens; those to refresh them live on."""
        with self._lock:
            self._grants = {token: grant for token, grant in self._grants.items() if grant.refresh}

    def consents(self, client_id: str, identity_id: str) -> Iterable[Scope]:
        """Return the scopes, with those they depend on, that an identity has granted to a client."""
        with self._lock:
            return list(self._consents.get((client_id, identity_id), []))

    def _new(self, caller: Caller, server: str, *, refresh: bool = False) -> Grant:
        lives = float("inf") if refresh else self.seconds
        grant = Grant(secrets.token_urlsafe(24), caller, server, time.time() + lives, refresh)
        self._grants[grant.token] = grant
        return grant

    def _resource_server(self, scope: str) -> str:
        if scope in OPENID:
            return AuthScopes.resource_server
        if scope.startswith("urn:globus:auth:scope:"):
            return scope.split(":")[4]
        owner = scope.removeprefix("https://auth.globus.org/scopes/").split("/")[0]
        if owner in BY_CLIENT:
            return BY_CLIENT[owner]
        if owner == scope or not self._knows(owner):
            raise Refusal(400, f"unknown scope {scope}", "UNKNOWN_SCOPE_ERROR")
        return owner

"""Globus Auth: logins by client credentials, by code and by refresh token; identities, consents."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from globus_sdk.scopes import Scope

from xpcs_nb.testing.sandbox._service import Caller, Refusal, Reply, Request, Service, new_id, route
from xpcs_nb.testing.sandbox._tokens import Grant, Tokens

__all__ = ["AuthService", "User"]


@dataclass(frozen=True)
class User:
    """Someone who can log in."""

    identity_id: str
    username: str
    name: str


@dataclass(frozen=True)
class _Login:
    client_id: str
    scope: str
    redirect: str
    challenge: str | None
    offline: bool


class AuthService(Service):
    """Logins, and who is who.

    Parameters
    ----------
    address
        Where the service is, for its own links.
    clients
        Secret of each confidential client; other client ids are native apps.
    user
        Who logs in with a browser; nothing is asked.
    logins
        Whether that is allowed.
    """

    name: ClassVar[str] = "auth"
    scope_prefix: ClassVar[str] = "urn:globus:auth:scope:auth.globus.org:"

    def __init__(self, address: str, tokens: Tokens, clients: dict[str, str], user: User, *, logins: bool) -> None:
        super().__init__()
        self.address = address
        self.tokens = tokens
        self.clients = clients
        self.user = user
        self._allowed = logins
        self._logins: dict[str, _Login] = {}
        self._lock = threading.Lock()

    def refusal(self, refusal: Refusal, path: str) -> Any:
        """Return the refusal as Globus Auth words it."""
        error = {"status": str(refusal.status), "id": new_id(), "code": refusal.code, "detail": str(refusal)}
        return {
            "errors": [{**error, "title": str(refusal)}],
            "error": refusal.code.lower(),
            "error_description": str(refusal),
        }

    @route("GET", "/.well-known/openid-configuration", public=True)
    def configuration(self, request: Request) -> Any:
        """Say where things are."""
        base = f"{self.address}/v2/oauth2"
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "revocation_endpoint": f"{base}/token/revoke",
            "jwks_uri": f"{self.address}/jwk.json",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "email", "profile"],
        }

    @route("GET", "/jwk.json", public=True)
    def keys(self, request: Request) -> Any:
        """Return the key that id tokens are signed with."""
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**key, "alg": "RS256", "use": "sig", "kid": "sandbox"}]}

    @route("GET", "/v2/oauth2/authorize", public=True)
    def authorize(self, request: Request) -> Reply:
        """Log the user in without a question, and send the code to the redirect address."""
        query = request.query
        if not query.get("client_id"):
            raise Refusal(400, "client_id is needed", "invalid_request")
        if not self._allowed:
            raise Refusal(403, "this sandbox takes no logins of users, only client credentials", "access_denied")
        self.tokens.parse(query.get("scope", ""))
        redirect = query.get("redirect_uri") or f"{self.address}/v2/web/auth-code"
        code = secrets.token_urlsafe(16)
        offline = query.get("access_type") == "offline"
        login = _Login(query["client_id"], query["scope"], redirect, query.get("code_challenge"), offline)
        with self._lock:
            self._logins[code] = login
        parameters = {"code": code, "state": query.get("state", "")}
        return Reply({}, 302, {"Location": f"{redirect}?{urlencode(parameters)}"})

    @route("GET", "/v2/web/auth-code", public=True)
    def show_code(self, request: Request) -> Reply:
        """Show the code, to be copied into a terminal or notebook."""
        return Reply(request.query.get("code", ""), content_type="text/plain")

    @route("POST", "/v2/oauth2/token", public=True)
    def token(self, request: Request) -> Any:
        """Give tokens for one of the kinds of grant."""
        form = request.form()
        client_id = self._client(request, form)
        match form.get("grant_type"):
            case "client_credentials":
                if client_id not in self.clients:
                    raise Refusal(401, "client credentials need a secret", "invalid_client")
                given = self.tokens.grant(
                    self._self(client_id), self.tokens.parse(form.get("scope", "")), offline=False
                )
            case "authorization_code":
                given = self._exchange(form, client_id)
            case "refresh_token":
                old = form.get("refresh_token", "")
                given = [(self.tokens.renew(old, client_id), old)]
            case other:
                raise Refusal(400, f"the sandbox has no grant of type {other!r}", "unsupported_grant_type")
        return self._answer(given)

    @route("POST", "/v2/oauth2/token/revoke", public=True)
    def revoke(self, request: Request) -> Any:
        """Forget a token."""
        self.tokens.revoke(request.form().get("token", ""))
        return {"active": False}

    @route("POST", "/v2/oauth2/token/introspect", public=True)
    def introspect(self, request: Request) -> Any:
        """Say what a token is good for."""
        form = request.form()
        self._client(request, form)
        grant = self.tokens.find(form.get("token", ""))
        if grant is None:
            return {"active": False}
        user = self._who(grant.caller.identity_id)
        now = int(time.time())
        return {
            "active": True,
            "token_type": "Bearer",
            "scope": " ".join(sorted(grant.caller.scopes)),
            "client_id": grant.caller.client_id,
            "sub": user.identity_id,
            "username": user.username,
            "name": user.name,
            "email": user.username,
            "exp": now + 172800 if grant.refresh else int(grant.expires),
            "iat": now,
            "nbf": now,
            "aud": [grant.resource_server, grant.caller.client_id],
            "iss": self.address,
        }

    @route("GET", "/v2/oauth2/userinfo")
    def userinfo(self, request: Request) -> Any:
        """Say who calls."""
        user = self._who(request.by.identity_id)
        return {"sub": user.identity_id, "preferred_username": user.username, "name": user.name, "email": user.username}

    @route("GET", "/v2/api/identities")
    def identities(self, request: Request) -> Any:
        """Look identities up by id or name."""
        wanted = set(",".join(request.query.get(key, "") for key in ("ids", "usernames")).split(","))
        known = [self.user, *(self._who(client) for client in self.clients)]
        found = [user for user in known if {user.identity_id, user.username} & wanted]
        return {"identities": [_identity(user) for user in found]}

    @route("GET", "/v2/api/identities/<identity_id>/consents")
    def consents(self, request: Request, identity_id: str) -> Any:
        """List what the caller's client may do for an identity."""
        granted = self.tokens.consents(request.by.client_id, identity_id)
        return {"consents": list(_consents(granted, request.by.client_id, identity_id))}

    def _client(self, request: Request, form: dict[str, str]) -> str:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            client_id = form.get("client_id", "")
            if not client_id or client_id in self.clients:
                raise Refusal(401, "this client has a secret", "invalid_client")
            return client_id
        client_id, _, secret = base64.b64decode(credentials).decode().partition(":")
        if not secrets.compare_digest(self.clients.get(client_id, ""), secret) or not secret:
            raise Refusal(401, "unknown client or wrong secret", "invalid_client")
        return client_id

    def _exchange(self, form: dict[str, str], client_id: str) -> list[tuple[Grant, str | None]]:
        with self._lock:
            login = self._logins.pop(form.get("code", ""), None)
        if login is None or login.client_id != client_id or login.redirect != form.get("redirect_uri", login.redirect):
            raise Refusal(401, "the code is unknown or was used", "invalid_grant")
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if login.challenge and login.challenge != base64.urlsafe_b64encode(verifier).decode().rstrip("="):
            raise Refusal(401, "the code verifier does not fit", "invalid_grant")
        caller = Caller(client_id, self.user.identity_id, self.user.username, frozenset())
        return self.tokens.grant(caller, self.tokens.parse(login.scope), offline=login.offline)

    def _answer(self, given: list[tuple[Grant, str | None]]) -> Any:
        documents = [self._document(grant, refresh) for grant, refresh in given]
        first, *others = documents
        answer = {**first, "other_tokens": others, "state": "_default"}
        if any("openid" in grant.caller.scopes for grant, _ in given):
            answer["id_token"] = self._id_token(given[0][0].caller)
        return answer

    def _document(self, grant: Grant, refresh: str | None) -> dict[str, Any]:
        document = {
            "access_token": grant.token,
            "scope": " ".join(sorted(grant.caller.scopes)),
            "expires_in": int(self.tokens.seconds),
            "token_type": "Bearer",
            "resource_server": grant.resource_server,
        }
        return document if refresh is None else {**document, "refresh_token": refresh}

    def _id_token(self, caller: Caller) -> str:
        user = self._who(caller.identity_id)
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": caller.client_id,
            "sub": user.identity_id,
            "iat": now,
            "exp": now + 172800,
            "preferred_username": user.username,
            "name": user.name,
            "identity_set": [{"sub": user.identity_id, "username": user.username}],
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "sandbox"})

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def _self(self, client_id: str) -> Caller:
        return Caller(client_id, client_id, self._who(client_id).username, frozenset())

    def _who(self, identity_id: str) -> User:
        if identity_id == self.user.identity_id:
            return self.user
        return User(identity_id, f"{identity_id}@clients.auth.globus.org", "a client of the sandbox")


def _identity(user: User) -> dict[str, Any]:
    return {
        "id": user.identity_id,
        "username": user.username,
        "name": user.name,
        "email": user.username,
        "identity_provider": str(uuid.uuid5(uuid.NAMESPACE_DNS, "sandbox")),
        "identity_type": "login",
        "organization": None,
        "status": "used",
    }


def _consents(scopes: Any, client_id: str, identity_id: str) -> Iterator[dict[str, Any]]:
    number = 0

    def one(scope: Scope, path: list[int]) -> Iterator[dict[str, Any]]:
        nonlocal number
        number += 1
        here = [*path, number]
        now = datetime.now(UTC).isoformat()
        yield {
            "id": number,
            "client": client_id,
            "scope": str(uuid.uuid5(uuid.NAMESPACE_URL, scope.scope_string)),
            "scope_name": scope.scope_string,
            "effective_identity": identity_id,
            "dependency_path": here,
            "created": now,
            "updated": now,
            "last_used": now,
            "status": "approved",
            "allows_refresh": True,
            "auto_approved": False,
            "atomically_revocable": False,
        }
        for inner in scope.dependencies:
            yield from one(inner, here)

    for scope in scopes:
        yield from one(scope, [])

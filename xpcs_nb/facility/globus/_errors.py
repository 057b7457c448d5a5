"""Errors of the Globus clients in words that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import gladier.exc
from globus_sdk import AuthAPIError, GlobusAPIError, GlobusError, GlobusTimeoutError, NetworkError
from globus_sdk.token_storage import TokenValidationError

from xpcs_nb.errors import FacilityError, LoginError

__all__ = ["service_error", "translated"]

AGAIN = "Log in again with xpcs_nb.facility.globus.login(force=True)."

#: What services call an endpoint or collection that is not connected.
OFFLINE = re.compile(r"NotConnected|Disconnected|ENDPOINT_NOT_ONLINE|NOT_ONLINE|EndpointOffline|GCConnectTimeout", re.I)

HINTS = {
    404: "Check the id; it may have been deleted, or be visible to others only.",
    409: "Something else changed it at the same time; look at it and try again.",
    429: "Wait a minute and try again, with fewer requests at once.",
}


@contextmanager
def translated(service: str) -> Iterator[None]:
    """Turn errors of the Globus clients into those of this package."""
    try:
        yield
    except GlobusAPIError as error:
        raise service_error(service, error) from error
    except NetworkError as error:
        slow = isinstance(error, GlobusTimeoutError)
        raise FacilityError(
            f"{service} does not answer in time" if slow else f"{service} can't be reached",
            got=str(error.underlying_exception),
            hint="Check the network, and https://status.globus.org; runs that were started go on.",
        ) from error
    except (TokenValidationError, gladier.exc.AuthException) as error:
        raise LoginError(
            "the login does not cover what is needed", where=service, got=str(error), hint=AGAIN
        ) from error
    except GlobusError as error:
        raise FacilityError(f"{service} can't be used so", got=str(error)) from error


def service_error(service: str, error: GlobusAPIError) -> FacilityError | LoginError:
    """Say in our words what a service answered."""
    status, code = error.http_status, error.code
    method, url = str(error.args[0]), urlsplit(str(error.args[1]))
    request = error.request_id or error.headers.get("X-Request-Id") or error.headers.get("x-globus-request-id")
    got = f"{status} {code or error.http_reason}: {error.message or 'no message'}"
    got = f"{got} (request {request})" if request else got
    where = f"{method} {url.path}"
    if isinstance(error, AuthAPIError) and status < 429:
        return LoginError("Globus Auth refused the login", where=where, got=got, hint=_auth_hint(got))
    if OFFLINE.search(f"{code} {error.message}"):
        return FacilityError(
            "an endpoint is offline",
            where=where,
            got=got,
            hint="Ask its operators, or start it again; then try again.",
        )
    if status == 401:
        return LoginError(f"{service} does not know the login, or it has ended", where=where, got=got, hint=AGAIN)
    if status == 403:
        consent = error.info.consent_required or error.info.authorization_parameters or "SCOPE" in str(code)
        return LoginError(
            f"{service} needs a consent that was not given" if consent else f"{service} does not allow this",
            where=where,
            got=got,
            hint=AGAIN if consent else "Ask the owner for access, or log in as somebody else.",
        )
    hint = HINTS.get(status) or ("The service has trouble: try again later." if status >= 500 else None)
    return FacilityError(f"{service} refused the request", where=where, got=got, hint=hint)


def _auth_hint(got: str) -> str:
    if "client" in got.lower():
        return "Check GLADIER_CLIENT_ID and GLADIER_CLIENT_SECRET."
    return AGAIN

"""Which requests are sent again: more carefully than the SDK does it, where that matters."""

from __future__ import annotations

from weakref import WeakSet

from globus_sdk import GlobusConnectionTimeoutError, NetworkError
from globus_sdk.services.flows import FlowsAPIError
from globus_sdk.transport import RequestCallerInfo, RetryCheckResult, RetryConfig, RetryContext

__all__ = ["retries_of", "unclear"]

#: Seconds; a service that asks for more patience than this is not waited for as long as it asks.
LONGEST_SLEEP = 120

#: After these the request may have been carried out all the same.
UNCLEAR = (500, 502, 504)


def retries_of(most: int, *, starts_runs: bool = False) -> RetryConfig:
    """Return how often and when a client sends a request again.

    Parameters
    ----------
    most
        How often, after network errors, 429 and 5xx.
    starts_runs
        For a client whose requests must not be carried out twice.
    """
    config = RetryConfig(max_retries=most, max_sleep=LONGEST_SLEEP)
    config.checks.register_check(_RenewOnce())
    if starts_runs:
        config.checks.register_check(_never_twice)
    return config


def unclear(error: BaseException) -> bool:
    """Tell whether a request to Flows that ended so may have been carried out."""
    if isinstance(error, FlowsAPIError):
        return error.http_status in UNCLEAR
    return isinstance(error, NetworkError) and not isinstance(error, GlobusConnectionTimeoutError)


def _never_twice(context: RetryContext) -> RetryCheckResult:
    """Keep the SDK from repeating a start that may have been carried out: who starts a run looks first."""
    lost = context.exception is not None
    refused = context.response is not None and context.response.status_code in UNCLEAR
    return RetryCheckResult.do_not_retry if lost or refused else RetryCheckResult.no_decision


class _RenewOnce:
    """Renews an expired token, once for each request.

    The SDK's own check counts itself as used when a request failed for another reason first, and then takes the expired
    token for a refusal.
    """

    def __init__(self) -> None:
        self._renewed: WeakSet[RequestCallerInfo] = WeakSet()

    def __call__(self, context: RetryContext) -> RetryCheckResult:
        request = context.caller_info
        if context.response is None or context.response.status_code != 401 or request.authorizer is None:
            return RetryCheckResult.no_decision
        if request in self._renewed or not request.authorizer.handle_missing_authorization():
            return RetryCheckResult.do_not_retry
        self._renewed.add(request)
        return RetryCheckResult.do_retry

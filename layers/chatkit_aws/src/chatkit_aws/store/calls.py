"""Calls of boto clients: off the event loop, with the caller's context, errors by cause."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    IncompleteReadError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from chatkit_aws.errors import StoreRefused, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from concurrent.futures import Future

    from botocore.client import BaseClient

PASSING = frozenset(
    {
        "DependencyTimeoutException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "KMSInternalException",
        "KeyUnavailableException",
        "OperationAborted",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes of DynamoDB, S3 and KMS after which the same request may succeed; a status of 500 or more says the same."""

BROKEN_OFF = (FlexibleChecksumError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError)
"""What reading a streamed answer raises if not all of it came, or not as it was; botocore does not try that again."""

_UNSENT = (NoCredentialsError, NoRegionError, ParamValidationError, PartialCredentialsError)
"""What botocore itself refuses, each time."""

_SERVER_ERROR = 500


deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""When an answer is of no use any more to the request that the running task works for, in seconds since the epoch."""


class GivenUp(Exception):
    """Nobody waits for this call any more, so it is not sent."""


class _Waiting:
    """Whether somebody still waits for a call."""

    is_over = False


_waiting: ContextVar[_Waiting] = ContextVar("waiting")


def watch(client: BaseClient) -> None:
    """Have a client send nothing that was given up: in its thread it would go on trying, and write when others have."""
    client.meta.events.register("before-send", _refuse_given_up, unique_id="chatkit-aws-given-up")


def _refuse_given_up(**_: object) -> None:
    waiting = _waiting.get(None)
    if waiting is not None and waiting.is_over:
        raise GivenUp


class Calls:
    """Runs the calls of one client in threads of its own, each with the context of whoever asked for it."""

    def __init__(
        self,
        service: str,
        threads: int,
        cause: Callable[[Mapping[str, Any]], Exception] | None = None,
    ) -> None:
        """Make up to `threads` calls at once; messages of errors name the `service`.

        `cause` gives the error for an answer that is one, where `cause_of_answer` would not do.
        """
        self._service = service
        self._cause = cause or self.cause_of_answer
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=service.lower())

    async def run[T](self, request: Callable[[], T]) -> T:
        """What `request` returns. Raises StoreUnavailable, StoreRefused, or what this was told to raise.

        Whoever is cancelled here, or whose `deadline` comes, gives the call up: it is not sent from then on.
        """
        waiting = _Waiting()
        token = _waiting.set(waiting)
        try:
            future = self.start(request)
        finally:
            _waiting.reset(token)
        try:
            async with asyncio.timeout(_seconds_left()):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            message = f"{self._service} did not answer within the request's time"
            raise StoreUnavailable(message) from None
        finally:
            waiting.is_over = True

    def start[T](self, request: Callable[[], T]) -> Future[T]:
        """The same as a future that is no event loop's; whoever awaits it shields it from being cancelled."""
        return self._executor.submit(copy_context().run, self._carry_out, request)

    def cause(self, codes: Collection[str], status: int = 0) -> StoreUnavailable | StoreRefused:
        """The error for these codes. Its message holds nothing else: the service's own may quote names and values."""
        message = f"{self._service} answered {', '.join(sorted(codes))}"
        # S3 hands on what KMS told it, as "KMS.DisabledException" for one.
        passing = any(code.removeprefix("KMS.") in PASSING for code in codes)
        return StoreUnavailable(message) if passing or status >= _SERVER_ERROR else StoreRefused(message)

    def cause_of_answer(self, response: Mapping[str, Any]) -> Exception:
        """The error for a failed call's answer."""
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return self.cause({response["Error"]["Code"]}, status)

    def _carry_out[T](self, request: Callable[[], T]) -> T:
        try:
            return request()
        except ClientError as error:
            raise self._cause(error.response) from error
        except _UNSENT as error:
            message = f"a request to {self._service} could not be sent: {type(error).__name__}"
            raise StoreRefused(message) from error
        except BotoCoreError as error:
            message = f"{self._service} did not answer: {type(error).__name__}"
            raise StoreUnavailable(message) from error


def _seconds_left() -> float | None:
    until = deadline.get()
    return None if until is None else max(0.0, until - time.time())

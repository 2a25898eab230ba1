"""Calls of boto clients: off the event loop, with the caller's context, errors by cause."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
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

_PASSING = frozenset(
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
        """What `request` returns. Raises StoreUnavailable, StoreRefused, or what this was told to raise."""
        return await asyncio.wrap_future(self.start(request))

    def start[T](self, request: Callable[[], T]) -> Future[T]:
        """The same as a future that is no event loop's; whoever awaits it shields it from being cancelled."""
        return self._executor.submit(copy_context().run, self._carry_out, request)

    def cause(self, codes: Collection[str], status: int = 0) -> StoreUnavailable | StoreRefused:
        """The error for these codes. Its message holds nothing else: the service's own may quote names and values."""
        message = f"{self._service} answered {', '.join(sorted(codes))}"
        # S3 hands on what KMS told it, as "KMS.DisabledException" for one.
        passing = any(code.removeprefix("KMS.") in _PASSING for code in codes)
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

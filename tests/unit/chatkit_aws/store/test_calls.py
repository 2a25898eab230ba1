"""A call leaves the event loop free, takes the caller's context along, and fails with the error of its cause."""

import asyncio
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
)

from chatkit_aws.errors import StoreRefused, StoreUnavailable
from chatkit_aws.store.calls import Calls

request_id: ContextVar[str] = ContextVar("request_id")


async def test_call_is_made_in_another_thread_with_the_callers_context() -> None:
    calls = Calls("S3", 2)
    request_id.set("r1")
    assert await calls.run(lambda: (request_id.get(), threading.get_ident() != threading.main_thread().ident)) == (
        "r1",
        True,
    )


async def test_no_more_calls_are_made_at_once_than_there_are_threads() -> None:
    calls, both = Calls("S3", 2), threading.Barrier(2, timeout=5)
    await asyncio.gather(*(calls.run(both.wait) for _ in range(4)))
    threads = await asyncio.gather(*(calls.run(threading.get_ident) for _ in range(20)))
    assert len(set(threads)) <= 2


@pytest.mark.parametrize(
    ("raised", "cause"),
    [
        (ParamValidationError(report="a value that was sent"), StoreRefused),
        (NoCredentialsError(), StoreRefused),
        (CredentialRetrievalError(provider="container", error_msg="no answer"), StoreUnavailable),
    ],
)
async def test_what_botocore_refuses_itself_is_refused_and_what_may_pass_is_unavailable(
    raised: BotoCoreError, cause: type[Exception]
) -> None:
    with pytest.raises(cause, match=type(raised).__name__) as told:
        await Calls("S3", 1).run(lambda: _fail(raised))
    assert "value" not in str(told.value)


async def test_any_other_error_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        await Calls("S3", 1).run(lambda: 1 // 0)


async def test_caller_may_know_better_what_an_answer_means() -> None:
    def cause(response: Mapping[str, Any]) -> Exception:
        return KeyError(response["Error"]["Code"])

    with pytest.raises(KeyError, match="ConditionFailed"):
        await Calls("DynamoDB", 1, cause).run(lambda: _fail(ClientError({"Error": {"Code": "ConditionFailed"}}, "Put")))


@pytest.mark.parametrize(
    ("codes", "status", "cause"),
    [
        ({"AccessDenied"}, 403, StoreRefused),
        ({"AccessDenied", "SlowDown"}, 200, StoreUnavailable),
        ({"KMS.ThrottlingException"}, 400, StoreUnavailable),
        ({"KMS.DisabledException"}, 400, StoreRefused),
        ({"Unheard"}, 499, StoreRefused),
        ({"Unheard"}, 500, StoreUnavailable),
    ],
)
def test_cause_is_told_by_codes_and_status(codes: set[str], status: int, cause: type[Exception]) -> None:
    error = Calls("S3", 1).cause(codes, status)
    assert type(error) is cause
    assert str(error) == f"S3 answered {', '.join(sorted(codes))}"


def _fail(error: Exception) -> None:
    raise error

"""The same function under Amazon's Runtime Interface Emulator, which returns a streamed payload as it was posted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chat_testing.emulator import Emulator
from chat_testing.http_events import rest_event, url_event

DELIMITER = bytes(8)


@pytest.fixture(scope="module")
def emulator(sandbox: Any) -> Iterator[Emulator]:
    with Emulator(sandbox()) as emulator:
        yield emulator


def payload(prelude: bytes, body: bytes) -> bytes:
    return prelude + DELIMITER + body


def test_streamed_response_is_prelude_and_body(emulator: Emulator) -> None:
    assert emulator.invoke(rest_event("/binary")) == payload(
        b'{"statusCode":200,"headers":{}}', bytes(range(256)) + DELIMITER
    )


def test_invocations_share_one_process(emulator: Emulator) -> None:
    found = [json.loads(emulator.invoke(url_event("/facts")).partition(DELIMITER)[2]) for _ in range(2)]
    assert found[0]["pid"] == found[1]["pid"]
    assert found[0]["request_id"] != found[1]["request_id"]


def test_error_before_the_first_byte_is_lambdas_own(emulator: Emulator) -> None:
    assert json.loads(emulator.invoke(rest_event("/fail_early")))["errorType"] == "ValueError"


def test_error_after_the_first_byte_keeps_what_was_sent(emulator: Emulator) -> None:
    assert emulator.invoke(rest_event("/fail_late")) == payload(b'{"statusCode":200,"headers":{}}', b"some")


def test_not_modified_has_one_byte(emulator: Emulator) -> None:
    assert emulator.invoke(rest_event("/status/304")) == payload(
        b'{"statusCode":304,"headers":{"etag":"\\"1\\""}}', b"\n"
    )


def test_response_too_large_for_a_buffered_call_leaves_the_process_alive(emulator: Emulator) -> None:
    refused = json.loads(emulator.invoke(rest_event("/large", query=f"size={8 * 2**20}")))
    assert refused["errorType"] == "Function.ResponseSizeTooLarge"
    assert emulator.invoke(rest_event("/echo", method="POST", body="still here")).endswith(DELIMITER + b"still here")


def test_sam_local_gets_a_proxy_response(sandbox: Any) -> None:
    with Emulator(sandbox(AWS_SAM_LOCAL="true")) as emulator:
        document = json.loads(emulator.invoke(rest_event("/cookies")))
    assert document["multiValueHeaders"] == {"set-cookie": ["a=1; Path=/", "b=2"], "vary": ["Origin", "Accept"]}
    assert (document["statusCode"], document["isBase64Encoded"], document["body"]) == (201, False, "yes")


def test_failed_startup_is_reported(sandbox: Any) -> None:
    with Emulator(sandbox("startup_fails")) as emulator:
        assert json.loads(emulator.invoke(rest_event("/")))["errorType"] == "LifespanFailure"

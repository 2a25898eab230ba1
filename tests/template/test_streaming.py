"""Both front doors really stream: SAM leaves a route buffered without a word where it does not know the mode."""

import pytest

from chat_testing.deployment import Document, Stack, transformed

LONGEST_STREAM = 900_000
"""Milliseconds that API Gateway grants a streamed response."""


def buffered_routes(stack: Stack) -> list[str]:
    """Every route of which any part would not stream."""
    return [
        f"{method} {path}"
        for method, path, operation in stack.operations()
        if not _streams(operation["x-amazon-apigateway-integration"])
    ]


def _streams(integration: Document) -> bool:
    return bool(
        integration.get("responseTransferMode") == "STREAM"
        and integration["type"] == "aws_proxy"
        and "/2021-11-15/" in integration["uri"]["Fn::Sub"]
        and integration["uri"]["Fn::Sub"].endswith("/response-streaming-invocations")
    )


def test_every_route_streams(stack: Stack) -> None:
    assert sorted(f"{method} {path}" for method, path, _ in stack.operations()) == [
        "GET /chatkit/choices",
        "GET /chatkit/entities",
        "GET /chatkit/entities/{entity_id}/preview",
        "GET /health",
        "OPTIONS /chatkit",
        "OPTIONS /chatkit/choices",
        "OPTIONS /chatkit/entities",
        "OPTIONS /chatkit/entities/{entity_id}/preview",
        "OPTIONS /chatkit/resume",
        "OPTIONS /chatkit/stop",
        "POST /chatkit",
        "POST /chatkit/resume",
        "POST /chatkit/stop",
    ]
    assert buffered_routes(stack) == []


@pytest.mark.parametrize("mode", ["STREAM", "BUFFERED", None])
def test_another_word_for_the_mode_is_found_out(template: Document, mode: str | None) -> None:
    chat = template["Resources"]["ChatFunction"]["Properties"]["Events"]["Chat"]["Properties"]
    if mode is None:
        del chat["ResponseTransferMode"]
    else:
        chat["ResponseTransferMode"] = mode

    assert buffered_routes(transformed(template)) == ["POST /chatkit"]


def test_gateway_waits_longer_than_the_function_may_take(stack: Stack) -> None:
    milliseconds = stack.properties("ChatFunction")["Timeout"] * 1000

    for method, path, operation in stack.operations():
        timeout = operation["x-amazon-apigateway-integration"]["timeoutInMillis"]
        assert milliseconds < timeout <= LONGEST_STREAM, f"{method} {path}"


def test_function_url_streams(stack: Stack) -> None:
    url = stack.properties("ChatFunctionUrl")

    assert url["InvokeMode"] == "RESPONSE_STREAM"
    assert url["TargetFunctionArn"] == {"Ref": "ChatFunctionAliaslive"}


def test_wrapper_of_the_streaming_layer_is_in_charge(stack: Stack) -> None:
    variables = stack.properties("ChatFunction")["Environment"]["Variables"]
    [layer] = [name for name in stack.of_type("AWS::Lambda::LayerVersion") if name.startswith("StreamingLayer")]

    assert variables["AWS_LAMBDA_EXEC_WRAPPER"] == "/opt/bin/lambda-streaming"
    assert {"Ref": layer} in stack.properties("ChatFunction")["Layers"]

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from awslambdaric.lambda_context import LambdaContext

from chat_testing.runtime_api import RuntimeApi
from lambda_streaming import AsgiHandler


@pytest.fixture
def context() -> Any:
    return LambdaContext(str(uuid.uuid4()), None, None, 32_503_680_000_000, "arn:aws:lambda:eu-central-1:1:function:f")


@pytest.fixture
def serve() -> Iterator[Callable[[Any], AsgiHandler]]:
    """Makes handlers and shuts their apps down after the test."""
    made: list[AsgiHandler] = []

    def make(app: Any) -> AsgiHandler:
        made.append(AsgiHandler(app))
        return made[-1]

    yield make
    for handler in made:
        handler.shutdown()


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    with RuntimeApi() as api:
        yield api

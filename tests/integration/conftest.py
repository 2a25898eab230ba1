"""The application, and a user of it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing import tokens
from chat_testing.app import App, application
from chat_testing.chat import ChatClient


@pytest.fixture(scope="session")
def issuer() -> Iterator[tokens.TokenIssuer]:
    with tokens.serving() as issuer:
        yield issuer


@pytest.fixture
async def app(
    table_name: str,
    dynamodb: DynamoDBClient,
    issuer: tokens.TokenIssuer,
) -> AsyncIterator[App]:
    app = application(table_name, dynamodb, issuer)
    async with app.http:
        yield app


@pytest.fixture
def alice(app: App) -> ChatClient:
    return app.user("alice")

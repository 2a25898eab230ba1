"""A turn in a thread of two thousand messages asks and costs what it does in one of sixty."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.server.memory.history import load_history
from chat_api.server.memory.window import Limits
from chat_api.tokens import tokens_of
from chat_testing.app import RUNS
from chat_testing.builders import context, thread
from chat_testing.metering import metered
from chat_testing.texts import Exchange, exchanges, history
from chat_testing.tokens import TokenIssuer, serving
from chat_testing.turns import HISTORY_ITEMS, TENANT, USER, Stage, of_store, stage
from chatkit_aws.clients import dynamodb_client
from chatkit_aws.store import DynamoDBStore

SHORT, LONG = 60, 2_000
TOKENS = 8_000
MOST_READ_UNITS = 12
"""What forty usual items take, and the two newest that the SDK looks at."""


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    with serving() as made:
        yield made


@pytest.fixture
async def on(table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer) -> AsyncIterator[Stage]:
    async with stage(table_name, dynamodb, issuer, run_event_minutes=0, history_tokens=TOKENS) as made:
        yield made


def said(texts: list[Exchange], count: int) -> list[str]:
    """So many messages, the last of which are always the same."""
    return (history(texts, SHORT, 1) * (count // SHORT + 1))[-count:]


async def test_next_turn_asks_and_costs_the_same_and_stays_in_its_budget(on: Stage, dynamodb_endpoint: str) -> None:
    texts, costs = exchanges(), []
    for count in (SHORT, LONG):
        thread_id = await on.thread(said(texts, count))
        turn = await on.turn(thread_id, texts[0], dynamodb_client(dynamodb_endpoint))
        call = on.models.model.last_call
        assert call is not None
        given = call.input
        assert not isinstance(given, str)
        assert 0 < tokens_of(given) <= TOKENS
        assert len(given) <= HISTORY_ITEMS + 1
        units = turn.meter.read_units_by_kind()
        assert units["ITM"] <= MOST_READ_UNITS
        kinds = Counter(kind for read in turn.meter.reads for kind in read.kinds if f"{kind}#" not in RUNS)
        costs.append((of_store(units), kinds))
    assert costs[0] == costs[1], costs


async def test_history_takes_no_more_time_to_make(on: Stage, table_name: str, dynamodb: DynamoDBClient) -> None:
    texts, seconds, user = exchanges(), [], context(USER, TENANT)
    store = DynamoDBStore(table_name, dynamodb)
    for count in (SHORT, LONG):
        thread_id = await on.thread(said(texts, count))
        with metered(dynamodb) as meter:
            best = 60.0
            for _ in range(5):
                began = time.process_time()
                await load_history(store, thread(thread_id), None, Limits(HISTORY_ITEMS, TOKENS), user)
                best = min(best, time.process_time() - began)
        assert Counter(request.operation for request in meter.requests) == {"GetItem": 5, "Query": 5}
        seconds.append(best)
    assert seconds[1] < 2 * seconds[0] + 0.02

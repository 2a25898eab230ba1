"""Turns of a LangGraph chat on langgraph-checkpoint-aws' DynamoDBSaver; prints their figures as JSON.

Runs in `.tools/peers`, with the tests' support package on its path: the texts and the meter are the same.
"""
# ruff: noqa: T201 - its output is its purpose

import argparse
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage  # type: ignore[import-not-found]
from langgraph.graph import START, MessagesState, StateGraph  # type: ignore[import-not-found]
from langgraph_checkpoint_aws import DynamoDBSaver  # type: ignore[import-not-found]

from chat_testing.metering import metered
from chat_testing.texts import exchanges, history

TABLE = "checkpoints"
YEAR = 365 * 24 * 60 * 60


def create_table(client: Any) -> None:
    """The table that the package's own template describes."""
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
    )
    client.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})


def chat(saver: Any) -> Any:
    """One step that answers; what it says comes with the question's id, since no model is asked."""
    answers = {exchange.question: exchange.answer for exchange in exchanges()}

    def answer(state: Any) -> dict[str, list[AnyMessage]]:
        return {"messages": [AIMessage(answers[state["messages"][-1].content])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    return graph.compile(checkpointer=saver)


def messages(count: int) -> list[AnyMessage]:
    """The history, as LangChain has it."""
    texts = history(exchanges(), count, 1)
    return [AIMessage(text) if number % 2 else HumanMessage(text) for number, text in enumerate(texts)]


@contextmanager
def objects(saver: Any) -> Iterator[list[int]]:
    """For each S3 request that is made, how many bytes it writes."""
    sizes: list[int] = []

    def record(params: dict[str, Any], **_: Any) -> None:
        sizes.append(len(params.get("Body", b"")))

    events = saver.storage.s3_client.meta.events
    events.register("provide-client-params.s3", record)
    yield sizes
    events.unregister("provide-client-params.s3", record)


def turn(saver: Any, count: int, durability: str, observer: Any = None, delay: float = 0) -> dict[str, Any]:
    """One turn after `count` messages."""
    graph, config = chat(saver), {"configurable": {"thread_id": f"thr_{uuid.uuid4()}"}}
    graph.update_state(config, {"messages": messages(count)}, as_node="answer")
    question = {"messages": [HumanMessage(exchanges()[0].question)]}
    with metered(saver.client, observer, delay) as meter, objects(saver) as s3:
        began = time.perf_counter()
        state = graph.invoke(question, config, durability=durability)
        seconds = time.perf_counter() - began
    assert len(state["messages"]) == count + 2
    assert state["messages"][-1].content == exchanges()[0].answer
    return {
        "write_units": meter.write_units,
        "read_units": meter.read_units,
        "reported": meter.reported,
        "requests": len(meter.requests),
        "objects": len(s3),
        "objects_kb": sum(s3) / 1024,
        "chain": meter.chain(),
        "seconds": seconds,
        "waiting": meter.waiting,
    }


def main() -> None:
    """For each number of messages and each way to run: a turn to count, a slow one, and some to time."""
    arguments = argparse.ArgumentParser()
    for name in ("--dynamodb", "--s3", "--bucket"):
        arguments.add_argument(name, required=True)
    arguments.add_argument("--rounds", type=int, required=True)
    arguments.add_argument("--delay", type=float, required=True)
    arguments.add_argument("counts", type=int, nargs="+")
    given = arguments.parse_args()
    observer = boto3.client("dynamodb", endpoint_url=given.dynamodb)
    create_table(observer)
    saver = DynamoDBSaver(
        TABLE,
        endpoint_url=given.dynamodb,
        ttl_seconds=YEAR,
        enable_checkpoint_compression=True,
        s3_offload_config={"bucket_name": given.bucket, "endpoint_url": given.s3},
    )
    print(
        json.dumps(
            [
                {
                    "count": count,
                    "durability": durability,
                    "counted": turn(saver, count, durability, observer),
                    "delayed": turn(saver, count, durability, delay=given.delay),
                    "timed": [turn(saver, count, durability) for _ in range(given.rounds)],
                }
                for durability in ("async", "exit")
                for count in given.counts
            ]
        )
    )


if __name__ == "__main__":
    main()

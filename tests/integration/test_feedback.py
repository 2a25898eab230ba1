"""What users think of answers: stored with the item, counted, and found again."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from types_boto3_dynamodb.client import DynamoDBClient

from chat_testing.app import App
from chat_testing.builders import context
from chat_testing.chat import Answer, ChatClient
from chatkit_aws.errors import ThreadNotFound
from chatkit_aws.store import DynamoDBStore

ALICE, BOB = context("alice", "default"), context("bob", "default")


async def say(client: ChatClient, thread_id: str, kind: str, *items: str) -> Answer:
    return await client.send("items.feedback", thread_id=thread_id, item_ids=items, kind=kind)


async def answered(app: App) -> tuple[str, str]:
    app.models.say("Hello")
    created = await app.user("alice").create()
    return created.thread_id, created.items[1]["id"]


async def test_last_word_on_an_item_counts_and_its_user_alone_finds_it(
    app: App, alice: ChatClient, table_name: str, dynamodb: DynamoDBClient
) -> None:
    thread_id, answer = await answered(app)
    for kind in ("positive", "negative"):
        assert (await say(alice, thread_id, kind, answer)).json == {}
    store = DynamoDBStore(table_name, dynamodb)
    [(item_id, feedback)] = (await store.load_feedback(thread_id, ALICE)).items()
    assert (item_id, feedback.kind) == (answer, "negative")
    assert timedelta() <= datetime.now(UTC) - feedback.created_at < timedelta(minutes=5)
    with pytest.raises(ThreadNotFound):
        await store.load_feedback(thread_id, BOB)


async def test_feedback_is_a_line_of_the_log_and_a_metric_without_what_was_said(
    app: App, alice: ChatClient, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    thread_id, answer = await answered(app)
    for kind in ("positive", "negative", "negative"):
        await say(alice, thread_id, kind, answer, answer)
    lines = [line for line in map(json.loads, log.getvalue().splitlines()) if line["message"] == "feedback"]
    assert [line["feedback"] for line in lines] == ["positive", "negative", "negative"]
    assert {(line["thread"], line["item"]) for line in lines} == {(thread_id, answer)}
    published = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    of_feedback = [line for line in published if line["operation"] == "items.feedback"]
    assert [line.get("PositiveFeedback") for line in of_feedback] == [[1.0], None, None]
    assert [line.get("NegativeFeedback") for line in of_feedback] == [None, [1.0], [1.0]]


async def test_feedback_on_what_is_not_the_users_is_refused_and_counts_not(
    app: App, alice: ChatClient, log: io.StringIO
) -> None:
    thread_id, answer = await answered(app)
    assert (await say(alice, thread_id, "positive", "msg_unknown")).status == 404
    assert (await say(app.user("bob"), thread_id, "positive", answer)).status == 404
    assert '"feedback":' not in log.getvalue()
    assert not [row for row in app.rows() if "FBK#" in str(row["sk"])]

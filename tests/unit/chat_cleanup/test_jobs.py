"""What a record of the stream asks for, and what a message may say."""

from typing import Any

import pytest
from pydantic import ValidationError

from chat_cleanup import jobs
from chat_cleanup.jobs import RemoveAttachment, RemoveObject, RemoveThread
from chat_testing import events
from chatkit_aws.errors import InvalidId
from chatkit_aws.store.keys import Owner

OWNER = Owner.of("a#b", "c%d")


def record(name: str, sk: str, old: dict[str, Any] | None = None, new: dict[str, Any] | None = None) -> dict[str, Any]:
    images = {"OldImage": old, "NewImage": new}
    keys = {"pk": {"S": OWNER.partition}, "sk": {"S": sk}}
    return {
        "eventName": name,
        "dynamodb": {"Keys": keys, **{part: image for part, image in images.items() if image is not None}},
    }


def test_removed_thread_asks_for_what_was_in_it() -> None:
    job = jobs.asked_for(record("REMOVE", OWNER.thread("t#1").row.sk, {}))

    assert isinstance(job, RemoveThread)
    assert job.thread == OWNER.thread("t#1")


def test_removed_attachment_asks_for_its_files() -> None:
    job = jobs.asked_for(record("REMOVE", OWNER.attachment("a#1").sk, {}))

    assert isinstance(job, RemoveAttachment)
    assert (job.owner, job.attachment_id) == (OWNER, "a#1")


def test_removed_intent_asks_for_its_object() -> None:
    old = {"item_pk": {"S": "P#"}, "item_sk": {"S": "ITM#1"}}

    assert jobs.asked_for(record("REMOVE", "OBJ#items/a/b/c", old)) == RemoveObject(
        pk="P#", sk="ITM#1", object="items/a/b/c"
    )


@pytest.mark.parametrize("new", [None, {}, {"object": {"S": "items/2"}}, {"body": {"B": ""}}])
def test_object_that_is_no_longer_referred_to_is_asked_for(new: dict[str, Any] | None) -> None:
    name = "REMOVE" if new is None else "MODIFY"

    assert jobs.asked_for(record(name, "ITM#1", {"object": {"S": "items/1"}}, new)) == RemoveObject(
        pk=OWNER.partition, sk="ITM#1", object="items/1"
    )


@pytest.mark.parametrize(
    "asking_for_nothing",
    [
        record("MODIFY", "ITM#1", {"object": {"S": "items/1"}}, {"object": {"S": "items/1"}, "expires_at": {"N": "1"}}),
        record("MODIFY", "THR#1", {}, {}),
        record("INSERT", "ITM#1", None, {"object": {"S": "items/1"}}),
        record("REMOVE", "DEL#1", {}),
        record("REMOVE", "ITM#1", {"body": {"B": ""}}),
    ],
)
def test_other_records_ask_for_nothing(asking_for_nothing: dict[str, Any]) -> None:
    assert jobs.asked_for(asking_for_nothing) is None


@pytest.mark.parametrize(
    "damaged",
    [
        {"eventName": "REMOVE"},
        record("REMOVE", "OBJ#items/1", {}),
        record("REMOVE", "THR#a#b", {}),
        record("REMOVE", "ITM#1", {"object": {"S": "elsewhere/1"}}),
    ],
)
def test_damaged_record_is_refused(damaged: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValidationError)):
        jobs.asked_for(damaged)


@pytest.mark.parametrize(
    "job",
    [
        RemoveThread(pk=OWNER.partition, sk="THR#1"),
        RemoveAttachment(pk=OWNER.partition, sk="ATT#1"),
        RemoveObject(pk="P#", sk="ITM#1", object="items/1"),
    ],
)
def test_job_is_the_same_after_a_journey_through_the_queue(job: jobs.Job) -> None:
    assert jobs.read(jobs.write(job)) == job


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{}",
        '{"remove":"everything"}',
        '{"remove":"thread","pk":"secret","sk":"THR#1"}',
        '{"remove":"thread","pk":"TEN#a#USR#b#","sk":"THR#1","more":"secret"}',
        '{"remove":"object","pk":"P#","sk":"ITM#1","object":"secret"}',
    ],
)
def test_message_that_is_no_job_is_refused_and_not_quoted(message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        jobs.read(message)
    assert "secret" not in str(refused.value)


def test_job_of_an_impossible_owner_is_refused() -> None:
    with pytest.raises(InvalidId):
        _ = RemoveThread(pk=f"TEN#{'x' * 600}#USR#b#", sk="THR#1").thread


def test_payloads_of_the_stream_ask_for_something() -> None:
    for name in events.cleanup_names():
        for found in events.load(name)["Records"]:
            if found["eventSource"] == "aws:dynamodb":
                assert jobs.asked_for(found) is not None, name

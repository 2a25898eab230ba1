"""The cleanup function: what wakes it, what it may do, and where that goes which it cannot do."""

import json
import re
from pathlib import Path

import pytest

import chatkit_aws.store
from chat_cleanup.settings import Settings
from chat_testing.deployment import Document, Stack, as_list, function_variables

PLATFORM_VARIABLES = {"POWERTOOLS_LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"}
DEAD_LETTERS = {"Fn::GetAtt": ["CleanupDeadLetterQueue", "Arn"]}
DAY = 24 * 60 * 60


@pytest.fixture
def stream(stack: Stack) -> Document:
    return stack.properties("CleanupFunctionStream")


@pytest.fixture
def queue(stack: Stack) -> Document:
    return stack.properties("CleanupQueue")


def test_variables_are_the_settings_and_the_platforms(stack: Stack) -> None:
    variables = function_variables(stack, "CleanupFunction")

    assert set(variables) == {name.upper() for name in Settings.model_fields} | PLATFORM_VARIABLES
    assert Settings.from_environment(variables).table_name == variables["TABLE_NAME"]


def test_function_has_the_layers_that_it_needs_and_not_the_streaming_one(stack: Stack) -> None:
    layers = [layer["Ref"] for layer in stack.properties("CleanupFunction")["Layers"]]

    assert [re.sub("Layer.*", "", layer) for layer in layers] == ["ChatKitAws", "Dependencies"]
    assert stack.properties("CleanupFunction")["TracingConfig"] == {"Mode": "Active"}


def test_stream_wakes_it_for_what_was_removed_or_replaced(stream: Document) -> None:
    filters = [json.loads(found["Pattern"]) for found in stream["FilterCriteria"]["Filters"]]
    removed = [found for found in filters if "Keys" in found["dynamodb"]]
    [replaced] = [found for found in filters if "OldImage" in found["dynamodb"]]

    assert len(filters) <= 5  # Lambda's limit
    assert [found["dynamodb"]["Keys"]["sk"]["S"] for found in removed] == [
        [{"prefix": "THR#"}],
        [{"prefix": "ATT#"}],
        [{"prefix": "OBJ#"}],
    ]
    assert all(found["eventName"] == ["REMOVE"] for found in removed)
    assert removed[2]["userIdentity"] == {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}
    assert replaced["eventName"] == ["REMOVE", "MODIFY"]
    assert replaced["dynamodb"]["OldImage"] == {"object": {"S": [{"exists": True}]}}


def test_failing_record_is_tried_within_bounds_and_holds_up_few(stream: Document) -> None:
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["MaximumRetryAttempts"] == 10_000, "the age decides"
    assert stream["MaximumRecordAgeInSeconds"] == DAY, "as long as the stream keeps it"
    assert stream["DestinationConfig"]["OnFailure"]["Destination"] == DEAD_LETTERS


def test_failing_job_waits_and_ends_among_the_dead_letters(stack: Stack, queue: Document) -> None:
    source = stack.properties("CleanupFunctionJobs")

    assert source["BatchSize"] == 1
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queue["VisibilityTimeout"] >= 6 * stack.properties("CleanupFunction")["Timeout"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == DEAD_LETTERS
    assert 1 < queue["RedrivePolicy"]["maxReceiveCount"] <= 10
    assert stack.properties("CleanupDeadLetterQueue")["MessageRetentionPeriod"] == 14 * DAY


def test_long_job_may_go_on_in_the_function_s_own_queue(stack: Stack) -> None:
    assert stack.properties("CleanupFunction")["RecursiveLoop"] == "Allow"


@pytest.mark.parametrize(
    ("alarm", "metric", "threshold"),
    [
        ("CleanupDeadLetterAlarm", "ApproximateNumberOfMessagesVisible", 0),
        ("CleanupLagAlarm", "IteratorAge", 60 * 60 * 1000),
        ("CleanupWaitingAlarm", "ApproximateAgeOfOldestMessage", DAY // 2),
        ("CleanupErrorAlarm", "Errors", 0),
        ("CleanupDeliveryAlarm", "DestinationDeliveryFailures", 0),
    ],
)
def test_alarm_tells_the_topic_if_there_is_one(stack: Stack, alarm: str, metric: str, threshold: int) -> None:
    properties = stack.properties(alarm)
    told = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}

    assert (properties["MetricName"], properties["Threshold"]) == (metric, threshold)
    assert properties["ComparisonOperator"] == "GreaterThanThreshold"
    assert properties["TreatMissingData"] == "notBreaching"
    assert properties["AlarmActions"] == properties["OKActions"] == told


def test_role_may_do_to_the_table_what_the_cascade_does(stack: Stack) -> None:
    folder = Path(chatkit_aws.store.__file__).parent
    calls = re.findall(r"_client\.(\w+)", (folder / "bulk.py").read_text())
    expected = {f"dynamodb:{''.join(word.title() for word in call.split('_'))}" for call in (*calls, "get_item")}
    granted = {
        action
        for role, statement in stack.statements()
        for action in as_list(statement["Action"])
        if role == "CleanupFunctionRole" and statement["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}
    }

    assert granted == expected

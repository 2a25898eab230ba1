"""The task tools: their variables, what they may do, and that they are reached at an address of their own."""

import re
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

import chatkit_aws.records
import chatkit_aws.store
from chat_api.settings import Settings as ChatSettings
from chat_testing.deployment import Document, Stack, as_list, function_variables, transformed
from chat_testing.repository import ROOT
from task_tools.settings import Settings

PLATFORM_VARIABLES = {
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_TRACER_CAPTURE_ERROR",
    "POWERTOOLS_TRACER_CAPTURE_RESPONSE",
}
OWN_ADDRESS = "${TaskToolsFunctionUrl.FunctionUrl}"
SHARED = ("TOKEN_ISSUER", "JWKS_URL", "CLIENT_IDS", "REQUIRED_SCOPE", "TABLE_NAME", "TENANT_KEYS", "ALLOWED_ORIGINS")


def test_variables_are_the_settings_and_the_platforms(stack: Stack) -> None:
    variables = function_variables(stack, "TaskToolsFunction")

    assert set(variables) == {name.upper() for name in Settings.model_fields} | PLATFORM_VARIABLES
    assert Settings.from_environment(variables).allowed_origins == ("http://localhost:5173",)


def test_tokens_tasks_and_pages_are_those_of_the_chat(stack: Stack) -> None:
    chat, tools = (stack.properties(name)["Environment"]["Variables"] for name in ("ChatFunction", "TaskToolsFunction"))

    assert {name: tools[name] for name in SHARED} == {name: chat[name] for name in SHARED}


def test_answers_are_given_whole_at_an_address_of_its_own(stack: Stack) -> None:
    function = stack.properties("TaskToolsFunction")

    assert stack.properties("TaskToolsFunctionUrl")["InvokeMode"] == "BUFFERED"
    assert "AWS_LAMBDA_EXEC_WRAPPER" not in function["Environment"]["Variables"]
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert stack.document["Outputs"]["McpUrl"]["Value"] == {"Fn::Sub": "${TaskToolsFunctionUrl.FunctionUrl}mcp"}


def test_role_may_do_to_the_table_what_records_do_and_nothing_to_anything_else(stack: Stack) -> None:
    granted = {
        action: statement["Resource"]
        for role, statement in stack.statements()
        for action in as_list(statement["Action"])
        if role == "TaskToolsFunctionRole" and action.startswith(("dynamodb:", "s3:", "secretsmanager:", "sqs:"))
    }

    assert set(granted) == _actions_of_records()
    assert all(resource == {"Fn::GetAtt": ["Table", "Arn"]} for resource in granted.values())


def _actions_of_records() -> set[str]:
    """The IAM actions behind what records ask of the table; a transaction needs those of its parts."""
    source = "".join(path.read_text() for path in Path(chatkit_aws.records.__file__).parent.glob("*.py"))
    parts = {f"{part.title()}Item" for part in re.findall(r"writes\.(put|update|delete)\(", source)}
    checks = {"ConditionCheckItem" for _ in re.findall(r"writes\.check\(", source)}
    reads = {{"get": "GetItem", "query": "Query"}[read] for read in re.findall(r"table\.(get|query)\(", source)}
    return {f"dynamodb:{name}" for name in parts | checks | reads}


def test_alarm_tells_the_topic_if_there_is_one(stack: Stack) -> None:
    alarm = stack.properties("TaskToolsErrorAlarm")

    assert (alarm["MetricName"], alarm["TreatMissingData"]) == ("Errors", "notBreaching")
    assert alarm["AlarmActions"] == stack.properties("CleanupErrorAlarm")["AlarmActions"]


def test_setting_in_the_docs_names_the_stack_s_own_server_and_is_valid(template: Document) -> None:
    [example] = re.findall(r"```yaml\n(MCP_SERVERS: .*?)```", (ROOT / "docs" / "mcp.md").read_text(), re.DOTALL)
    variables = template["Resources"]["ChatFunction"]["Properties"]["Environment"]["Variables"]
    variables |= yaml_parse(example.replace(OWN_ADDRESS, "https://tools.example.com/"))

    servers = ChatSettings.from_environment(function_variables(transformed(template), "ChatFunction")).mcp_servers

    assert OWN_ADDRESS in example
    own, hosted = servers
    assert (own.name, own.url, own.caller_token) == ("tasks", "https://tools.example.com/mcp", True)
    assert (hosted.kind, hosted.caller_token) == ("hosted", False)

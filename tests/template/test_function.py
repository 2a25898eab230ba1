"""The chat function: its variables, its permissions as used, and that a change of it goes live."""

import re
from pathlib import Path

import pytest

import chatkit_aws
from chat_api.settings import Settings
from chat_testing.deployment import Document, Stack, as_list, function_variables, transformed

PLATFORM_VARIABLES = {
    "AWS_LAMBDA_EXEC_WRAPPER",
    "OPENAI_AGENTS_DISABLE_TRACING",
    "OPENAI_AGENTS_DONT_LOG_MODEL_DATA",
    "OPENAI_AGENTS_DONT_LOG_TOOL_DATA",
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_TRACER_CAPTURE_ERROR",
    "POWERTOOLS_TRACER_CAPTURE_RESPONSE",
}
"""Read by the runtime, Powertools or the Agents SDK, not by the function's settings."""
SECRET_NAME = re.compile("KEY|SECRET|PASSWORD|TOKEN|CREDENTIAL")
NAMES_OF_NO_SECRET = {"MODEL_SECRET_ID", "TOKEN_ISSUER"}


def versions(stack: Stack) -> dict[str, Document]:
    """The published versions by logical id, which changes when SAM publishes a new one."""
    return stack.of_type("AWS::Lambda::Version")


def test_variables_are_the_settings_and_the_platforms(stack: Stack) -> None:
    settings = {name.upper() for name in Settings.model_fields}

    assert set(stack.properties("ChatFunction")["Environment"]["Variables"]) == settings | PLATFORM_VARIABLES


def test_variables_written_in_the_template_are_valid_settings(stack: Stack) -> None:
    settings = Settings.from_environment(function_variables(stack, "ChatFunction"))

    assert settings.allowed_origins == ("http://localhost:5173",)
    assert settings.jwks_url == f"{settings.token_issuer}/.well-known/jwks.json"


def test_no_variable_holds_a_secret(stack: Stack) -> None:
    variables = stack.properties("ChatFunction")["Environment"]["Variables"]

    assert {name for name in variables if SECRET_NAME.search(name)} == NAMES_OF_NO_SECRET
    assert variables["MODEL_SECRET_ID"] == {"Ref": "ModelSecret"}
    assert "resolve:secretsmanager" not in str(stack.document)
    assert not [name for name, found in stack.document["Parameters"].items() if found.get("NoEcho")]


def test_role_may_do_to_the_table_what_the_store_does(stack: Stack) -> None:
    granted = [action for _, statement in stack.statements() for action in as_list(statement["Action"])]

    assert sorted(action for action in granted if action.startswith("dynamodb:")) == sorted(_actions_of_the_store())


def _actions_of_the_store() -> set[str]:
    """The IAM actions behind the calls in the store's source; a transaction needs those of its parts."""
    source = "".join(path.read_text() for path in sorted(Path(chatkit_aws.__path__[0]).glob("*.py")))
    calls = set(re.findall(r"_client\.(\w+)", source)) & {
        *("batch_get_item", "batch_write_item", "delete_item", "get_item", "put_item", "query", "scan", "update_item"),
        *("transact_get_items", "transact_write_items"),
    }
    parts = re.findall(r'"(ConditionCheck|Delete|Get|Put|Update)": \{', source)
    single = {"".join(word.title() for word in call.split("_")) for call in calls if not call.startswith("transact")}
    return {f"dynamodb:{name}" for name in single | {f"{part}Item" for part in parts}}


def test_function_runs_from_a_snapshot_behind_an_alias(stack: Stack) -> None:
    function = stack.properties("ChatFunction")
    [alias] = stack.of_type("AWS::Lambda::Alias").values()

    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert alias["Name"] == "live"
    assert [alias["FunctionVersion"]["Fn::GetAtt"][0]] == list(versions(stack))
    for _, _, operation in stack.operations():
        assert "${ChatFunctionAliaslive}" in operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]


@pytest.mark.parametrize("layer", ["StreamingLayer", "ChatKitAwsLayer", "DependenciesLayer"])
def test_changed_layer_publishes_a_version(template: Document, stack: Stack, layer: str) -> None:
    template["Resources"][layer]["Properties"]["ContentUri"] = "another"

    assert set(versions(transformed(template))) != set(versions(stack))


def test_changed_code_publishes_a_version(template: Document, stack: Stack) -> None:
    template["Resources"]["ChatFunction"]["Properties"]["CodeUri"] = "another"

    assert set(versions(transformed(template))) != set(versions(stack))


def test_changed_parameter_of_the_function_replaces_the_version(template: Document, stack: Stack) -> None:
    """SAM compares references, not values; CloudFormation replaces a version whose description is another."""
    properties = str(template["Resources"]["ChatFunction"]["Properties"])
    seen = {name for name in template["Parameters"] if f"{{'Ref': '{name}'}}" in properties}
    seen -= {"JwksUrl"}  # always empty on AWS
    [version] = versions(stack).values()

    assert seen == set(re.findall(r"\$\{(\w+)\}", version["Description"]["Fn::Sub"]))


def test_description_of_a_version_has_room_for_every_parameter_s_longest_value(
    template: Document, stack: Stack
) -> None:
    [version] = versions(stack).values()
    description = version["Description"]["Fn::Sub"]
    for name in re.findall(r"\$\{(\w+)\}", description):
        found = template["Parameters"][name]
        longest = max(len(str(value)) for value in found.get("AllowedValues", [found.get("MaxValue", "")]))
        description = description.replace(f"${{{name}}}", "x" * found.get("MaxLength", longest))

    assert "${" not in description
    assert len(description) <= 256  # Lambda's limit


def test_calls_are_traced_at_both_ends(stack: Stack) -> None:
    assert stack.properties("ChatFunction")["TracingConfig"] == {"Mode": "Active"}
    assert stack.properties("Apiv1Stage")["TracingEnabled"] is True


def test_api_is_throttled(stack: Stack) -> None:
    [settings] = stack.properties("Apiv1Stage")["MethodSettings"]

    assert settings["ResourcePath"] == "/*"
    assert settings["ThrottlingRateLimit"] > 0
    assert settings["ThrottlingBurstLimit"] >= settings["ThrottlingRateLimit"]

"""The chat function: its variables, its permissions as used, and that a change of it goes live."""

import re
from pathlib import Path
from typing import Any

import pytest

import chatkit_aws.store
from chat_api.checks import check_times
from chat_api.providers import Provider
from chat_api.settings import Settings
from chat_testing.deployment import Document, Stack, as_list, function_variables, load_template, transformed

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
NAMES_OF_NO_SECRET = {
    "HISTORY_TOKENS",
    "MODEL_SECRET_ID",
    "RESERVED_TOKENS",
    "TENANT_KEYS",
    "TENANT_TOKENS_PER_MONTH",
    "TOKENS_PER_DAY",
    "TOKEN_ISSUER",
}
OBJECT_ACTIONS = {"s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"}
"""What the calls in the store's `objects` need."""
NUMBERED_LAYERS = ("StreamingLayer", "ChatKitAwsLayer")
"""Layers whose numbers are in the description of a version."""
ALWAYS_EMPTY_ON_AWS = {"JwksUrl"}
VALUES = {
    "AllowedOriginPattern": ("https://a", "https://b"),
    "AllowedOrigins": ("https://a", "https://b"),
    "Architecture": ("arm64", "x86_64"),
    "MemorySize": ("1024", "2048"),
    "ModelName": ("a", "b"),
    "OpenAIBaseUrl": ("https://a", "https://b"),
    "ConcurrentRuns": ("1", "2"),
    "RequestsPerMinute": ("1", "2"),
    "RetentionDays": ("1", "2"),
    "RetentionPolicy": ("last_activity", "created"),
    "RunEventMinutes": ("1", "2"),
    "TenantKeys": ("alias/a", "alias/b"),
    "TenantTokensPerMonth": ("1", "2"),
    "TokensPerDay": ("1", "2"),
}
"""Two values of each parameter that the function sees."""


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


def test_bedrock_is_a_provider_that_needs_no_key(stack: Stack) -> None:
    providers = Settings.from_environment(function_variables(stack, "ChatFunction")).model_providers

    assert providers == {"bedrock": Provider(bedrock="runtime", api="chat_completions")}


def test_parts_of_a_turn_fit_into_the_functions_timeout(stack: Stack) -> None:
    settings = Settings.from_environment(function_variables(stack, "ChatFunction"))

    assert settings.function_seconds == stack.properties("ChatFunction")["Timeout"]
    check_times(settings)


def test_settings_that_may_be_left_out_are_those_of_the_template(stack: Stack) -> None:
    settings = Settings.from_environment(function_variables(stack, "ChatFunction"))
    defaults = {name: found.default for name, found in Settings.model_fields.items() if not found.is_required()}

    # Without a function there is no timeout.
    assert settings.model_dump(include=set(defaults)) == {**defaults, "function_seconds": 600}


def test_no_variable_holds_a_secret(stack: Stack) -> None:
    variables = stack.properties("ChatFunction")["Environment"]["Variables"]

    assert {name for name in variables if SECRET_NAME.search(name)} == NAMES_OF_NO_SECRET
    assert variables["MODEL_SECRET_ID"] == {"Ref": "ModelSecret"}
    assert "resolve:secretsmanager" not in str(stack.document)
    assert not [name for name, found in stack.document["Parameters"].items() if found.get("NoEcho")]


def test_role_may_do_to_table_and_bucket_what_the_store_does(stack: Stack) -> None:
    granted = [
        action
        for role, statement in stack.statements()
        for action in as_list(statement["Action"])
        if role == "ChatFunctionRole"
        and action.startswith(("dynamodb:", "s3:"))
        and statement["Sid"] != "KeepAndLinkToImages"
    ]

    assert sorted(granted) == sorted(_actions_of_the_store() | OBJECT_ACTIONS)


def test_of_files_the_role_writes_and_reads_images_only(stack: Stack) -> None:
    [statement] = [
        statement
        for role, statement in stack.statements()
        if role == "ChatFunctionRole" and "attachments/" in str(statement["Resource"])
    ]

    assert statement["Action"] == ["s3:GetObject", "s3:PutObject"]
    assert statement["Resource"] == {"Fn::Sub": "${Objects.Arn}/attachments/*/image"}


def _actions_of_the_store() -> set[str]:
    """The IAM actions behind the calls in the store's source; a transaction needs those of its parts."""
    folder = Path(chatkit_aws.store.__file__).parent
    source = "".join((folder / name).read_text() for name in ("table.py", "writes.py"))
    calls = set(re.findall(r"_client\.(\w+)", source)) - {"transact_write_items"}
    parts = re.findall(r'_part\("(\w+)"', source)
    single = {"".join(word.title() for word in call.split("_")) for call in calls}
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


def test_description_of_a_version_names_every_parameter_that_the_function_sees(template: Document) -> None:
    named = _parameters_in(template["Resources"]["ChatFunction"]["Properties"]["VersionDescription"])
    named |= _parameters_in([_description(template, layer) for layer in NUMBERED_LAYERS])

    assert named & set(template["Parameters"]) == _seen(template)


def _seen(template: Document) -> set[str]:
    properties = str(template["Resources"]["ChatFunction"]["Properties"])
    return {name for name in template["Parameters"] if f"{{'Ref': '{name}'}}" in properties} - ALWAYS_EMPTY_ON_AWS


def _parameters_in(value: Any) -> set[str]:
    return set(re.findall(r"\$\{(\w+)\}", str(value)))


def _description(template: Document, layer: str) -> Any:
    return template["Resources"][layer]["Properties"]["Description"]


@pytest.mark.parametrize("name", sorted(_seen(load_template())))
def test_changed_parameter_publishes_a_version(template: Document, name: str) -> None:
    """CloudFormation replaces a version whose description changes, and a layer, whose number then changes, likewise."""
    value, other = VALUES[name]

    assert _published(template, {name: value}) != _published(template, {name: other})
    assert _published(template, {name: value}) == _published(template, {name: value})


def _published(template: Document, parameters: dict[str, str]) -> tuple[str, str]:
    """The version's logical id, and its description with what each reference in it stands for.

    A layer's logical id stands for its number: when SAM gives it another, CloudFormation makes another layer.
    """
    transformed_ = transformed(template, parameters)
    [(logical_id, version)] = versions(transformed_).items()
    text, layers = version["Description"]["Fn::Sub"]
    values = {name: str(found["Default"]) for name, found in template["Parameters"].items()} | parameters
    values |= {name: layer["Fn::Select"][1]["Fn::Split"][1]["Ref"] for name, layer in layers.items()}
    return logical_id, re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], text)


def test_descriptions_have_room_for_every_parameter_s_longest_value(template: Document) -> None:
    text, numbers = template["Resources"]["ChatFunction"]["Properties"]["VersionDescription"]["Fn::Sub"]
    lengths = dict.fromkeys(numbers, len("10000"))
    for name, found in template["Parameters"].items():
        values = found.get("AllowedValues", [found.get("MaxValue", "")])
        lengths[name] = found.get("MaxLength", max(len(str(value)) for value in values))

    for description in (text, *(_description(template, layer)["Fn::Sub"] for layer in NUMBERED_LAYERS)):
        longest = re.sub(r"\$\{(\w+)\}", lambda found: "x" * lengths[found[1]], description)
        assert len(longest) <= 256  # Lambda's limit


def test_calls_are_traced_at_both_ends(stack: Stack) -> None:
    assert stack.properties("ChatFunction")["TracingConfig"] == {"Mode": "Active"}
    assert stack.properties("Apiv1Stage")["TracingEnabled"] is True


def test_api_is_throttled(stack: Stack) -> None:
    [settings] = stack.properties("Apiv1Stage")["MethodSettings"]

    assert settings["ResourcePath"] == "/*"
    assert settings["ThrottlingRateLimit"] > 0
    assert settings["ThrottlingBurstLimit"] >= settings["ThrottlingRateLimit"]

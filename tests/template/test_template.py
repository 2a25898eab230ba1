"""The template and what surrounds it agree: parameters, recipes, configuration, outputs."""

import re
import tomllib

import pytest

from chat_testing.deployment import Document
from chat_testing.repository import ROOT

OUTPUTS = {
    "ApiUrl",
    "BucketName",
    "CleanupDeadLetterQueueArn",
    "CleanupQueueArn",
    "FunctionUrl",
    "McpUrl",
    "ImageDomain",
    "ModelSecretArn",
    "Region",
    "Scope",
    "SignInUrl",
    "TableName",
    "TokenIssuer",
    "UserPoolClientId",
    "UserPoolId",
}


def test_every_parameter_is_used_described_grouped_and_has_a_default(template: Document) -> None:
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    body = str([template["Resources"], template["Conditions"]])

    assert sorted(grouped) == sorted(template["Parameters"])
    for name, parameter in template["Parameters"].items():
        assert f"{{'Ref': '{name}'}}" in body, name
        assert parameter["Description"], name
        assert "Default" in parameter, f"sam deploy --guided would insist on {name}"


def test_default_of_every_parameter_is_allowed(template: Document) -> None:
    for name, parameter in template["Parameters"].items():
        # CloudFormation matches the whole value, and each value of a list.
        values = parameter["Default"].split(",") if "List" in parameter["Type"] else [str(parameter["Default"])]
        pattern = parameter.get("AllowedPattern", ".*")
        assert all(re.fullmatch(pattern, value) for value in values), name
        assert parameter["Default"] in parameter.get("AllowedValues", [parameter["Default"]]), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AllowedOrigins", "https://chat.example.com/"),
        ("AllowedOrigins", "https://a.example.com, https://b.example.com"),
        ("AllowedOrigins", "*"),
        ("OpenAIBaseUrl", "https://api.openai.com/v1/"),
        ("OpenAIBaseUrl", "api.openai.com"),
        ("DomainPrefix", "Chat"),
        ("DomainPrefix", "-chat"),
        ("ModelName", ""),
        ("TenantKeys", "chatkit-{tenant}"),
        ("TenantKeys", "alias/aws/{tenant}"),
        ("TenantKeys", "alias/stacks/{tenant}"),
        ("TenantKeys", "alias/{tenant}"),
        ("TenantKeys", "alias/"),
        ("TenantKeys", "alias/{tenant}-{tenant}"),
        ("TenantKeys", "alias/{user}"),
        ("AlarmTopicArn", "alarms"),
        ("BedrockResources", "*"),
        ("BedrockResources", "openai.gpt-oss-120b-1:0"),
        ("BedrockResources", "arn:aws:bedrock:eu-central-1::foundation-model/*"),
        ("BedrockResources", "arn:aws:s3:::bucket"),
        ("ProviderSecrets", "*"),
        ("ProviderSecrets", "other-key"),
        ("ProviderSecrets", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:other-*"),
    ],
)
def test_value_that_would_fail_later_is_refused_at_once(template: Document, name: str, value: str) -> None:
    assert not re.fullmatch(template["Parameters"][name]["AllowedPattern"], value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BedrockResources", "arn:aws:bedrock:eu-central-1::foundation-model/openai.gpt-oss-120b-1:0"),
        ("BedrockResources", "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.vendor.model-v1:0"),
        ("BedrockResources", "arn:aws:bedrock-mantle:eu-central-1:123456789012:project/default"),
        ("ProviderSecrets", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:chat/other-AbC123"),
    ],
)
def test_arn_that_is_whole_is_taken(template: Document, name: str, value: str) -> None:
    assert re.fullmatch(template["Parameters"][name]["AllowedPattern"], value)


def test_outputs_are_all_that_a_client_needs(template: Document) -> None:
    assert set(template["Outputs"]) == OUTPUTS
    assert all(output["Description"] for output in template["Outputs"].values())


def test_every_artifact_has_its_recipe(template: Document) -> None:
    built = {name: found for name, found in template["Resources"].items() if "BuildMethod" in found.get("Metadata", {})}

    assert set(built) == {
        "ChatFunction",
        "CleanupFunction",
        "TaskToolsFunction",
        "ChatKitAwsLayer",
        "DependenciesLayer",
        "StreamingLayer",
    }
    for name, resource in built.items():
        folder = ROOT / (resource["Properties"].get("CodeUri") or resource["Properties"]["ContentUri"])
        recipe = (folder / "Makefile").read_text()
        assert resource["Metadata"] == {"BuildMethod": "makefile"}
        assert f"\nbuild-{name}:\n" in recipe
        assert "include ../../infra/package.mk" in recipe


def test_functions_and_layers_are_for_the_same_machine(template: Document) -> None:
    machines = [
        resource["Properties"].get("Architectures") or resource["Properties"]["CompatibleArchitectures"]
        for resource in template["Resources"].values()
        if resource["Type"] in {"AWS::Serverless::Function", "AWS::Serverless::LayerVersion"}
    ]
    recipe = (ROOT / "infra" / "package.mk").read_text()
    parameter = template["Parameters"]["Architecture"]

    assert machines == [[{"Ref": "Architecture"}]] * 6
    assert f"ARCHITECTURE ?= {parameter['Default']}\n" in recipe
    assert sorted(re.findall(r"^PLATFORM_(\w+) :=", recipe, re.MULTILINE)) == sorted(parameter["AllowedValues"])


def test_runtime_is_the_version_that_the_artifacts_are_compiled_for(template: Document) -> None:
    [version] = re.findall(r"^PYTHON_VERSION := (.+)$", (ROOT / "infra" / "package.mk").read_text(), re.MULTILINE)

    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            assert properties["Runtime"] == f"python{version}"
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            assert properties["CompatibleRuntimes"] == [f"python{version}"]


def test_every_environment_builds_in_source_and_never_from_a_cache() -> None:
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text())
    environments = {name: found for name, found in configuration.items() if name != "version"}

    assert set(environments) == {"default", "prod"}
    for environment in environments.values():
        assert environment["build"]["parameters"]["build_in_source"] is True
    assert "cached =" not in (ROOT / "samconfig.toml").read_text()

"""Who may call what: routes, function URL, roles and the key's policy."""

import re
from typing import Any

import pytest

from chat_testing.deployment import Document, Stack, as_list

OPEN_ROUTES = {("GET", "/health")}
ANY_RESOURCE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
"""Actions that know no resources, so that AWS takes only `*`."""
NAMED_BY_CONDITION = {"SealWithTheTenantsKey"}
"""Statements whose resources only a condition can name."""
CORS = "gatewayresponse.header.Access-Control-Allow-Origin"


def test_every_route_but_health_and_preflight_asks_for_a_token_with_the_scope(stack: Stack) -> None:
    for method, path, operation in stack.operations():
        is_open = method == "OPTIONS" or (method, path) in OPEN_ROUTES
        expected = {"NONE": []} if is_open else {"CognitoAuthorizer": ["chatkit/chat"]}
        assert operation["security"] == [expected], f"{method} {path}"


def test_authorizer_is_the_stacks_user_pool(stack: Stack) -> None:
    scheme = stack.properties("Api")["Body"]["components"]["securitySchemes"]["CognitoAuthorizer"]

    assert scheme["x-amazon-apigateway-authtype"] == "cognito_user_pools"
    assert scheme["x-amazon-apigateway-authorizer"]["providerARNs"] == [{"Fn::GetAtt": ["UserPool", "Arn"]}]


def test_scope_is_the_same_everywhere(stack: Stack) -> None:
    server = stack.properties("ResourceServer")
    [scope] = server["Scopes"]
    name = f"{server['Identifier']}/{scope['ScopeName']}"

    assert name in stack.properties("UserPoolClient")["AllowedOAuthScopes"]
    assert stack.properties("ChatFunction")["Environment"]["Variables"]["REQUIRED_SCOPE"] == name
    assert stack.document["Outputs"]["Scope"]["Value"] == name
    assert any({"CognitoAuthorizer": [name]} in operation["security"] for _, _, operation in stack.operations())


def test_gateway_answers_carry_cors_headers_and_a_problem_document(stack: Stack) -> None:
    answers = stack.properties("Api")["Body"]["x-amazon-apigateway-gateway-responses"]

    assert {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED"} <= set(answers)
    for answer in answers.values():
        headers = answer["responseParameters"]
        assert headers[CORS] == "'*'"
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        # With credentials a browser takes no `*`, and would have to take none here.
        assert "gatewayresponse.header.Access-Control-Allow-Credentials" not in headers
    assert answers["UNAUTHORIZED"]["responseParameters"]["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"


@pytest.mark.parametrize("function", ["ChatFunction", "TaskToolsFunction"])
def test_function_url_is_open_and_has_both_permissions(stack: Stack, function: str) -> None:
    url = stack.properties(f"{function}Url")
    grants = stack.of_type("AWS::Lambda::Permission").items()
    public = [grant for name, grant in grants if grant["Principal"] == "*" and name.startswith(function)]

    assert url["AuthType"] == "NONE"
    assert "Cors" not in url, "the application answers CORS; twice would be refused"
    assert sorted(grant["Action"] for grant in public) == ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"]
    for grant in public:
        assert grant.get("FunctionUrlAuthType") == "NONE" or grant.get("InvokedViaFunctionUrl") is True


def test_each_function_has_a_role_of_its_own(stack: Stack) -> None:
    roles = [function["Role"]["Fn::GetAtt"][0] for function in stack.of_type("AWS::Lambda::Function").values()]

    assert sorted(roles) == sorted(stack.of_type("AWS::IAM::Role"))


def test_roles_grant_named_actions_on_named_resources(stack: Stack) -> None:
    assert list(stack.statements())
    for role, statement in stack.statements():
        actions = as_list(statement["Action"])
        assert statement["Effect"] == "Allow"
        assert not [action for action in actions if "*" in action], role
        if set(actions) <= ANY_RESOURCE or statement["Sid"] in NAMED_BY_CONDITION:
            continue
        assert not [resource for resource in as_list(statement["Resource"]) if _is_open(resource)], statement["Sid"]


def _is_open(resource: Any) -> bool:
    """Whether a resource is not one of the stack's; a part of its bucket is named by how its objects' names begin."""
    text = resource["Fn::Sub"] if isinstance(resource, dict) and "Fn::Sub" in resource else str(resource)
    return "*" in re.sub(r"^\$\{Objects\.Arn\}/(items/\*|attachments/\*(/image)?)$", "", text)


def test_roles_take_no_managed_policy(stack: Stack) -> None:
    for role in stack.of_type("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role


def test_key_is_used_through_its_services_and_for_its_own_data_only(stack: Stack) -> None:
    uses = [
        (role, statement["Condition"]["StringEquals"])
        for role, statement in stack.statements()
        if "kms:Decrypt" in as_list(statement["Action"]) and statement["Resource"] == {"Fn::GetAtt": ["Key", "Arn"]}
    ]
    through = sorted((role, use["kms:ViaService"]["Fn::Sub"].partition(".")[0]) for role, use in uses)

    assert through == [
        ("ChatFunctionRole", "dynamodb"),
        ("ChatFunctionRole", "s3"),
        ("ChatFunctionRole", "secretsmanager"),
        ("CleanupFunctionRole", "dynamodb"),
        ("CleanupFunctionRole", "sqs"),
        ("TaskToolsFunctionRole", "dynamodb"),
    ]
    for _, use in uses:
        names_its_data = any(name.startswith("kms:EncryptionContext:") for name in use)
        assert names_its_data or use["kms:ViaService"]["Fn::Sub"].startswith("sqs.")


def test_tenants_keys_are_those_of_the_alias_and_only_with_the_parameter(stack: Stack) -> None:
    [statement] = stack.properties("TenantKeysPolicy")["PolicyDocument"]["Statement"]
    pattern = {"Fn::Join": ["*", {"Fn::Split": ["{tenant}", {"Ref": "TenantKeys"}]}]}

    assert stack.document["Resources"]["TenantKeysPolicy"]["Condition"] == "HasTenantKeys"
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert statement["Condition"]["ForAnyValue:StringLike"] == {"kms:ResourceAliases": pattern}
    assert stack.document["Parameters"]["TenantKeys"]["Default"] == ""


@pytest.mark.parametrize(
    ("policy", "parameter", "actions"),
    [
        (
            "BedrockPolicy",
            "BedrockResources",
            ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock-mantle:CreateInference"],
        ),
        ("ProviderSecretsPolicy", "ProviderSecrets", "secretsmanager:GetSecretValue"),
    ],
)
def test_providers_are_open_to_the_chat_only_where_a_parameter_names_them(
    stack: Stack, policy: str, parameter: str, actions: list[str] | str
) -> None:
    properties = stack.properties(policy)
    [statement] = properties["PolicyDocument"]["Statement"]

    assert stack.document["Resources"][policy]["Condition"] == f"Has{parameter}"
    assert stack.document["Conditions"][f"Has{parameter}"] == {
        "Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": parameter}]}, ""]}]
    }
    assert (statement["Action"], statement["Resource"]) == (actions, {"Ref": parameter})
    assert properties["Roles"] == [{"Ref": "ChatFunctionRole"}]
    assert stack.document["Parameters"][parameter]["Default"] == ""


def test_key_policy_opens_the_key_to_the_account_and_to_the_stacks_logs_only(stack: Stack) -> None:
    account, logs = stack.properties("Key")["KeyPolicy"]["Statement"]

    assert account["Principal"]["AWS"]["Fn::Sub"].endswith(":root")
    assert logs["Principal"]["Service"]["Fn::Sub"].startswith("logs.")
    groups = [group["LogGroupName"]["Fn::Sub"] for group in stack.of_type("AWS::Logs::LogGroup").values()]
    assert sorted(_log_groups_of(logs)) == sorted(groups)
    # CloudWatch Logs User Guide, "Encrypt log data": which of each group it uses is not said.
    assert {action for action in logs["Action"] if "*" in action} == {
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:Describe*",
    }


def _log_groups_of(statement: Document) -> list[str]:
    arns = statement["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    return [arn["Fn::Sub"].partition(":log-group:")[2] for arn in arns]


@pytest.mark.parametrize(
    ("policy", "action"), [("ObjectsPolicy", "s3:*"), ("CleanupQueuesPolicy", "sqs:*")], ids=["bucket", "queues"]
)
def test_nothing_is_sent_without_tls(stack: Stack, policy: str, action: str) -> None:
    [statement] = stack.properties(policy)["PolicyDocument"]["Statement"]

    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", action)
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_cleanup_lists_and_deletes_the_stores_objects_and_reads_none(stack: Stack) -> None:
    granted = {
        action: statement
        for role, statement in stack.statements()
        for action in as_list(statement["Action"])
        if role == "CleanupFunctionRole" and action.startswith("s3:")
    }

    assert set(granted) == {"s3:DeleteObject", "s3:ListBucket"}
    assert granted["s3:ListBucket"]["Condition"] == {"StringLike": {"s3:prefix": ["items/*", "attachments/*"]}}


def test_sign_in_is_code_flow_without_a_secret(stack: Stack) -> None:
    client = stack.properties("UserPoolClient")

    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["ExplicitAuthFlows"] == ["ALLOW_USER_SRP_AUTH"]
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["EnableTokenRevocation"] is True
    assert client["RefreshTokenRotation"]["Feature"] == "ENABLED"


def test_passwords_are_long_and_a_second_factor_is_offered(stack: Stack) -> None:
    pool = stack.properties("UserPool")

    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] >= 12
    assert pool["MfaConfiguration"] in {"OPTIONAL", "ON"}
    assert pool["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] == {"Fn::If": ["IsSelfSignUp", False, True]}

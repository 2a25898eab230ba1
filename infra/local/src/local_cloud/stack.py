"""The template, as built, deployed to a local cloud."""

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from types_boto3_lambda.client import LambdaClient

from local_cloud.errors import DeployFailed
from local_cloud.ministack import REGION, Cloud
from local_cloud.paths import BUILT_TEMPLATE, ROOT, SAM, required

NAME = "chatkit-local"
ALIAS = "live"
"""Behind both front doors."""
CALLBACK_URL = "http://localhost:5173/"
"""Where sign-in returns to: the template's default."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of the template that a client needs."""

    api_url: str
    function_url: str
    mcp_url: str
    user_pool_id: str
    user_pool_client_id: str
    token_issuer: str
    scope: str
    table_name: str
    bucket_name: str
    model_secret_arn: str


@dataclass(frozen=True, slots=True)
class Stack:
    """The deployed stack; `function_name` and `cleanup_name` are the physical names of the chat and of cleanup."""

    cloud: Cloud
    outputs: Outputs
    function_name: str
    cleanup_name: str

    @property
    def rest_host(self) -> str:
        """The Host header by which the local cloud knows the REST API."""
        return f"{_label(self.outputs.api_url)}.execute-api.localhost:{self.cloud.port}"

    @property
    def function_url_host(self) -> str:
        """The Host header by which the local cloud knows the function URL."""
        return self.outputs.function_url.removeprefix("https://").rstrip("/")

    @property
    def mcp_host(self) -> str:
        """The same for that of the task tools."""
        return self.outputs.mcp_url.removeprefix("https://").removesuffix("/mcp")

    def function_variables(self) -> dict[str, str]:
        """The environment variables of the deployed chat."""
        return self._variables(self.function_name)

    def cleanup_variables(self) -> dict[str, str]:
        """The same of the deployed cleanup function."""
        return self._variables(self.cleanup_name)

    def _variables(self, function: str) -> dict[str, str]:
        configuration = lambda_client(self.cloud).get_function_configuration(FunctionName=function)
        return dict(configuration["Environment"]["Variables"])

    def wait_until_active(self) -> None:
        """Wait until the published version takes requests; raises botocore's WaiterError."""
        waiter = lambda_client(self.cloud).get_waiter("published_version_active")
        waiter.wait(FunctionName=self.function_name, Qualifier=ALIAS, WaiterConfig={"Delay": 1})

    def put_model_key(self, key: str) -> None:
        """Put the model's key where the function looks for it."""
        client = boto3.client("secretsmanager", **client_options(self.cloud))
        client.put_secret_value(SecretId=self.outputs.model_secret_arn, SecretString=key)


def deploy(cloud: Cloud, parameters: Mapping[str, str]) -> Stack:
    """Deploy what `sam build` built; `parameters` are the template's, beside those that this machine decides.

    Raises `NotSetUp` or `DeployFailed`.
    """
    fixed = {
        "Architecture": architecture(),
        "DeletionProtection": "false",
        "SelfSignUp": "true",
        "CallbackUrls": CALLBACK_URL,
        "JwksUrl": cloud.jwks_url,
    }
    template = str(required(BUILT_TEMPLATE, "make build"))
    _sam(
        cloud,
        ["deploy", "--template-file", template, "--stack-name", NAME, "--region", REGION, "--resolve-s3"],
        ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset"],
        ["--parameter-overrides", *(f"{name}={value}" for name, value in {**fixed, **parameters}.items())],
    )
    return _describe(cloud)


def check_set_up() -> None:
    """Raise `NotSetUp` where what a deployment needs is missing."""
    required(SAM, "make setup-sam")
    required(BUILT_TEMPLATE, "make build")


def architecture() -> str:
    """The template's word for this machine's processor, which is what runs the function here."""
    return "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"


def lambda_client(cloud: Cloud) -> LambdaClient:
    """A client of the local cloud's Lambda; an invocation may take as long as the function's timeout."""
    return boto3.client(
        "lambda", config=Config(read_timeout=610, retries={"total_max_attempts": 1}), **client_options(cloud)
    )


def client_options(cloud: Cloud) -> dict[str, Any]:
    """Options for `boto3.client`: the local cloud, and no real account."""
    return {
        "endpoint_url": cloud.endpoint,
        "region_name": REGION,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }


def _sam(cloud: Cloud, *options: list[str]) -> None:
    command = [str(required(SAM, "make setup-sam")), *(part for group in options for part in group)]
    environment = {**os.environ, **cloud.environment, "SAM_CLI_TELEMETRY": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines()
        raise DeployFailed(f"sam {command[1]} failed: {' '.join(said[-3:])}")


def _describe(cloud: Cloud) -> Stack:
    client = boto3.client("cloudformation", **client_options(cloud))
    found = client.describe_stacks(StackName=NAME)["Stacks"][0].get("Outputs", [])
    values = {output.get("OutputKey", ""): output.get("OutputValue", "") for output in found}
    names = [
        client.describe_stack_resource(StackName=NAME, LogicalResourceId=function)["StackResourceDetail"]
        for function in ("ChatFunction", "CleanupFunction")
    ]
    try:
        outputs = Outputs(
            api_url=values["ApiUrl"],
            function_url=values["FunctionUrl"],
            mcp_url=values["McpUrl"],
            user_pool_id=values["UserPoolId"],
            user_pool_client_id=values["UserPoolClientId"],
            token_issuer=values["TokenIssuer"],
            scope=values["Scope"],
            table_name=values["TableName"],
            bucket_name=values["BucketName"],
            model_secret_arn=values["ModelSecretArn"],
        )
        chat, cleanup = (name["PhysicalResourceId"] for name in names)
        return Stack(cloud, outputs, chat, cleanup)
    except KeyError as missing:
        raise DeployFailed(f"the stack has no output {missing}") from missing


def _label(url: str) -> str:
    """The first label of a URL's host."""
    return url.removeprefix("https://").partition(".")[0]

"""The deployed stack: the built template in the local cloud, and what came of it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from local_cloud.cloud import REGION, LocalCloud
from local_cloud.errors import LocalCloudError
from local_cloud.paths import BUILT_TEMPLATE, ROOT, STATE, TOOLS

if TYPE_CHECKING:
    from types_boto3_cloudformation.client import CloudFormationClient
    from types_boto3_cognito_idp.client import CognitoIdentityProviderClient
    from types_boto3_lambda.client import LambdaClient
    from types_boto3_secretsmanager.client import SecretsManagerClient

NAME = "chatkit"


@dataclass(frozen=True, slots=True)
class Clients:
    """boto3 clients of the local cloud."""

    cloudformation: "CloudFormationClient"
    cognito: "CognitoIdentityProviderClient"
    functions: "LambdaClient"
    secrets: "SecretsManagerClient"

    @classmethod
    def of(cls, cloud: LocalCloud) -> "Clients":
        """Clients that cannot reach a real account."""
        options: dict[str, Any] = {
            "endpoint_url": cloud.endpoint,
            "region_name": REGION,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }
        return cls(
            boto3.client("cloudformation", **options),
            boto3.client("cognito-idp", **options),
            boto3.client("lambda", **options),
            boto3.client("secretsmanager", **options),
        )


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack: the local cloud it is in, and its outputs by name."""

    cloud: LocalCloud
    clients: Clients
    outputs: Mapping[str, str]

    @property
    def rest_api(self) -> tuple[str, dict[str, str]]:
        """The REST API's address, and the headers by which the local cloud knows it."""
        host, _, stage = self.outputs["ApiUrl"].removeprefix("https://").partition("/")
        return f"{self.cloud.endpoint}/{stage}", {"Host": f"{host.split('.')[0]}.execute-api.localhost"}

    @property
    def function_url(self) -> tuple[str, dict[str, str]]:
        """The function URL's address, and the headers by which the local cloud knows it."""
        return self.cloud.endpoint, {"Host": self.outputs["FunctionUrl"].removeprefix("https://").rstrip("/")}

    def function_variables(self) -> dict[str, str]:
        """The environment variables that the template gave the function."""
        name = self._resource("ChatFunction")
        configuration = self.clients.functions.get_function_configuration(FunctionName=name)
        return dict(configuration["Environment"]["Variables"])

    def put_model_key(self, key: str) -> None:
        """Put the model's key where the function reads it."""
        self.clients.secrets.put_secret_value(SecretId=self.outputs["ModelSecretArn"], SecretString=key)

    def _resource(self, logical_id: str) -> str:
        answer = self.clients.cloudformation.describe_stack_resource(StackName=NAME, LogicalResourceId=logical_id)
        return answer["StackResourceDetail"]["PhysicalResourceId"]


def deploy(cloud: LocalCloud, parameters: Mapping[str, str]) -> Stack:
    """Deploy what `make build` built; raises LocalCloudError with the end of what SAM said."""
    if not BUILT_TEMPLATE.exists():
        raise LocalCloudError("Nothing is built; run `make build`.")
    log = STATE / "deploy.log"
    command = [str(TOOLS / "sam" / "bin" / "sam"), "deploy", "--template-file", str(BUILT_TEMPLATE)]
    command += ["--stack-name", NAME, "--region", REGION, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"]
    command += ["--no-confirm-changeset", "--no-progressbar", "--parameter-overrides"]
    command += [f"{name}={value}" for name, value in parameters.items()]
    with log.open("w") as output:
        done = subprocess.run(command, cwd=ROOT, env=cloud.environment, stdout=output, stderr=subprocess.STDOUT)
    if done.returncode:
        raise LocalCloudError(f"The stack could not be deployed; {log} ends: {log.read_text()[-500:]}")
    clients = Clients.of(cloud)
    (described,) = clients.cloudformation.describe_stacks(StackName=NAME)["Stacks"]
    return Stack(cloud, clients, {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]})

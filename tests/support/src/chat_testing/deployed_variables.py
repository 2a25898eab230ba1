"""The deployed chat with other environment variables, as after a change of `template.yaml`."""

from collections.abc import Iterator
from contextlib import contextmanager

from types_boto3_lambda.client import LambdaClient

from local_cloud.stack import ALIAS, Stack, lambda_client


@contextmanager
def changed(stack: Stack, **variables: str) -> Iterator[None]:
    """A version with these variables behind the front doors, and in the end one with those that were there before."""
    client, before = lambda_client(stack.cloud), stack.function_variables()
    _publish(client, stack, {**before, **variables})
    try:
        yield
    finally:
        _publish(client, stack, before)


def _publish(client: LambdaClient, stack: Stack, variables: dict[str, str]) -> None:
    name = stack.function_name
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    version = client.publish_version(FunctionName=name)["Version"]
    client.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=version)
    stack.wait_until_active()

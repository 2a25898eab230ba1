"""The function as deployed: what runs it, and what it is told."""

from chat_testing import events
from chat_testing.deployed import Deployment, FrontDoor
from local_cloud.engine import Engine
from local_cloud.model_server import KEY
from local_cloud.stack import ALIAS, lambda_client
from local_cloud.users import Tokens


def test_streaming_bootstrap_is_in_charge_where_containers_run_functions(
    deployment: Deployment, engine: Engine | None
) -> None:
    answer = lambda_client(deployment.stack.cloud).invoke(
        FunctionName=deployment.stack.function_name,
        Qualifier=ALIAS,
        Payload=events.path_of("url_health").read_bytes(),
    )
    payload = answer["Payload"].read()
    assert "FunctionError" not in answer, payload
    # A streamed response is a prelude, eight NULs and the body; a buffered one is a JSON object.
    assert (b"\0" * 8 in payload or rb"\u0000" * 8 in payload) == (engine is not None)


def test_variables_hold_no_secret(deployment: Deployment) -> None:
    variables = deployment.stack.function_variables()
    assert variables["MODEL_SECRET_ID"] == deployment.stack.outputs.model_secret_arn
    assert "OPENAI_API_KEY" not in variables
    assert not [name for name, value in variables.items() if KEY in value]


async def test_replaced_key_is_used_after_the_model_refused_the_old_one(
    door: FrontDoor, alice: Tokens, deployment: Deployment
) -> None:
    client = door.client(alice.access)
    await client.create("With the old key")
    deployment.model.key = "replaced-key"
    deployment.stack.put_model_key(deployment.model.key)
    try:
        answer = await client.create("With the new key")
    finally:
        deployment.model.key = KEY
        deployment.stack.put_model_key(KEY)
    assert answer.text == "You said: With the new key (offline model)"

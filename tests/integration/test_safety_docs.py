"""The guardrail of the documentation, as it stands there."""

import re

import pytest
from agents import OutputGuardrail
from types_boto3_dynamodb.client import DynamoDBClient

from chat_api.toolkit.guardrails import Guardrails
from chat_testing.app import application
from chat_testing.repository import ROOT
from chat_testing.tokens import TokenIssuer


@pytest.mark.parametrize(("said", "ends"), [("It costs 3 €", "error"), ("It is free", "thread.item.done")])
async def test_guardrail_says_itself_why_it_refuses(
    table_name: str, dynamodb: DynamoDBClient, issuer: TokenIssuer, said: str, ends: str
) -> None:
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/safety.md").read_text(encoding="utf-8"), re.DOTALL)
    written: dict[str, OutputGuardrail] = {}
    exec(code, written)
    guardrails = Guardrails(output=(written["NO_PRICES"],))
    app = application(table_name, dynamodb, issuer, guardrails=guardrails)
    async with app.http:
        app.models.say(said)
        answer = await app.user("alice").create()
    last = answer.events[-1]
    assert last["type"] == ends
    if ends == "error":
        assert last["message"].startswith("The assistant does not name prices.")
        assert last["allow_retry"] is False

"""The tool and the words of docs/approvals.md, as they stand there."""

import re
from typing import Any

from chatkit.agents import AgentContext
from chatkit.types import ThreadMetadata

from chat_api.assistant.agent import build_agent
from chat_testing.approving import decide, texts, widget
from chat_testing.assistant import calls, given
from chat_testing.builders import context
from chat_testing.repository import ROOT
from chat_testing.scripted_server import now
from chat_testing.spent import Make
from chatkit_aws.store import DynamoDBStore

MAIL = {"to": "bob@example.com", "text": "Hi"}


async def test_tool_asks_and_has_words_of_its_own(make: Make) -> None:
    tool, words = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs/approvals.md").read_text(encoding="utf-8"), re.DOTALL
    )
    written: dict[str, Any] = {}
    exec(tool, written)
    exec(words, written)
    agent = build_agent("test-model")
    agent.tools = [*agent.tools, written["send_mail"]]
    app = make(agent=agent)
    alice = app.user("alice")
    calls(app, "send_mail", **MAIL)
    asked = await alice.create("Mail Bob")
    assert texts(widget(asked))[-1] == 'Call send_mail with {"to": "bob@example.com", "text": "Hi"}.'
    app.models.say("It is on its way.")
    assert (await decide(alice, asked, approved=True)).text == "It is on its way."
    assert "Sent to bob@example.com." in given(app)

    thread = ThreadMetadata(id=asked.thread_id, created_at=now())
    caller = context("alice", "default")
    told: AgentContext[Any] = AgentContext(
        thread=thread, store=DynamoDBStore(app.table_name, app.dynamodb), request_context=caller
    )
    assert await written["in_words"]("send_mail", MAIL, told) == "Send this to bob@example.com: Hi"
    assert await written["in_words"]("send_mail", {"to": 1}, told) is None

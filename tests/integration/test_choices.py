"""What a user chooses in the composer, through the whole application: the model that answers, a tool to begin with."""

import json
from typing import Any

import pytest
from agents import Agent, ModelSettings, RunContextWrapper, StopAtTools, function_tool
from agents.testing import function_call
from chatkit.agents import AgentContext, ClientToolCall

from chat_api.choices import Choices, ModelOffer, ToolOffer
from chat_testing.app import App
from chat_testing.chat import Answer, ChatClient, message
from chat_testing.spent import Make, used
from chat_testing.tokens import SCOPE
from chatkit_aws.context import RequestContext
from chatkit_aws.store.bulk import Bulk
from chatkit_aws.store.keys import Owner
from chatkit_aws.usage import Report

SHOW: dict[str, Any] = {"tool_choice": {"id": "show"}}
THOROUGH: dict[str, Any] = {"model": "thorough"}
ROUTE = "/chatkit/choices"
OTHERS = Choices((ModelOffer("other", "Other", model="other-model"),))


@function_tool
def pick(run: RunContextWrapper[AgentContext[RequestContext]]) -> None:
    """Have the user pick something on the page."""
    run.context.client_tool_call = ClientToolCall(name="pick", arguments={})


async def ask(client: ChatClient, thread_id: str | None = None, **options: Any) -> Answer:
    """A message with these options, in a new thread where no other is named."""
    asked = message("Hello", inference_options=options)
    if thread_id is None:
        return await client.send("threads.create", input=asked)
    return await client.send("threads.add_user_message", thread_id=thread_id, input=asked)


async def retry(client: ChatClient, answer: Answer) -> Answer:
    item = answer.items[0]
    assert item["type"] == "user_message"
    return await client.send("threads.retry_after_item", thread_id=item["thread_id"], item_id=item["id"])


def call_of_show_tasks(app: App) -> None:
    """The model's next answer: it calls the tool, and then says something."""
    app.models.model.enqueue([function_call("show_tasks", {}, call_id="call_1", item_id="fc_1")])
    app.models.say("Here they are")


def forced(app: App) -> list[object]:
    """The tool that the model was made to call, for each of its calls."""
    return [call.model_settings.tool_choice for call in app.models.model.calls]


async def test_chosen_model_answers_and_the_next_message_has_its_own_choice(app: App, alice: ChatClient) -> None:
    for text in ("One", "Two", "Three"):
        app.models.say(text)
    thread_id = (await ask(alice, **THOROUGH)).thread_id
    await ask(alice, thread_id, model="fast")
    await ask(alice, thread_id)
    assert app.models.names == ["gpt-5", "test-model", "test-model"]


async def test_settings_of_a_model_are_its_own(app: App, alice: ChatClient) -> None:
    app.models.say("One")
    app.models.say("Two")
    await ask(alice, **THOROUGH)
    await ask(alice)
    thorough, fast = (call.model_settings for call in app.models.model.calls)
    assert thorough.reasoning is not None  # the SDK's own for gpt-5
    assert fast.reasoning is None


async def test_offered_settings_are_the_models_and_others_stay_the_agents(make: Make) -> None:
    agent = Agent[AgentContext[RequestContext]](
        name="a", model="test-model", model_settings=ModelSettings(temperature=0.2, max_tokens=50)
    )
    offer = ModelOffer("other", "Other", model="other-model", settings=ModelSettings(max_tokens=500))
    app = make(agent=agent, choices=Choices((offer,)))
    app.models.say("Hi")
    await ask(app.user("alice"), model="other")
    [call] = app.models.model.calls
    assert (call.model_settings.temperature, call.model_settings.max_tokens) == (0.2, 500)


async def test_choice_is_stored_with_the_message_and_a_retry_has_the_same(app: App, alice: ChatClient) -> None:
    app.models.say("One")
    answer = await ask(alice, **THOROUGH)
    [stored, _] = await alice.items(answer.thread_id)
    assert stored["inference_options"]["model"] == "thorough"
    app.models.say("Two")
    await retry(alice, answer)
    assert app.models.names == ["gpt-5", "gpt-5"]


async def test_choice_that_is_not_offered_any_more_is_answered_by_the_usual_model(make: Make) -> None:
    app = make(choices=OTHERS)
    app.models.say("One")
    answer = await ask(app.user("alice"), model="other")
    later = make()
    later.models.say("Two")
    assert (await retry(later.user("alice"), answer)).text == "Two"
    assert later.models.names == ["test-model"]


async def test_chosen_tool_is_forced_in_the_first_call_of_the_model_only(app: App, alice: ChatClient) -> None:
    call_of_show_tasks(app)
    answer = await ask(alice, **SHOW)
    assert forced(app) == ["show_tasks", None]
    assert [item["type"] for item in answer.items] == ["user_message", "widget", "assistant_message"]


async def test_chosen_tool_is_forced_again_in_a_retry_and_not_in_the_next_message(app: App, alice: ChatClient) -> None:
    call_of_show_tasks(app)
    answer = await ask(alice, **SHOW, **THOROUGH)
    call_of_show_tasks(app)
    await retry(alice, answer)
    app.models.say("You are welcome")
    await ask(alice, answer.thread_id)
    assert forced(app) == ["show_tasks", None, "show_tasks", None, None]
    assert app.models.names == ["gpt-5"] * 4 + ["test-model"]


async def test_answer_that_goes_on_after_a_tool_of_the_page_keeps_its_model_and_is_free(make: Make) -> None:
    agent = Agent[AgentContext[RequestContext]](
        name="a", tools=[pick], tool_use_behavior=StopAtTools(stop_at_tool_names=["pick"]), model="test-model"
    )
    choices = Choices(OTHERS.models, (ToolOffer("pick", "Pick", "bolt", tool="pick"),))
    app = make(agent=agent, choices=choices)
    app.models.model.enqueue([function_call("pick", {}, call_id="call_1", item_id="fc_1")])
    alice = app.user("alice")
    thread_id = (await ask(alice, model="other", tool_choice={"id": "pick"})).thread_id
    app.models.say("A fine one")
    await alice.send("threads.add_client_tool_output", thread_id=thread_id, result={"picked": 1})
    assert app.models.names == ["other-model", "other-model"]
    assert forced(app) == ["pick", None]


@pytest.mark.parametrize(
    ("options", "field", "said"),
    [
        ({"model": "gpt-5"}, "model", "Dieses Modell wird hier nicht angeboten."),
        ({"model": ""}, "model", "Dieses Modell wird hier nicht angeboten."),
        ({"tool_choice": {"id": "delete_task"}}, "tool_choice.id", "Dieses Werkzeug wird hier nicht angeboten."),
        ({**THOROUGH, "tool_choice": {"id": ""}}, "tool_choice.id", "Dieses Werkzeug wird hier nicht angeboten."),
    ],
)
async def test_what_is_not_offered_is_refused_and_nothing_is_stored(
    app: App, alice: ChatClient, options: dict[str, Any], field: str, said: str
) -> None:
    body = {"type": "threads.create", "params": {"input": message("Hello", inference_options=options)}}
    answer = await alice.post(json.dumps(body).encode(), **{"Accept-Language": "de"})
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json["detail"] == said
    assert answer.json["errors"] == [{"field": f"params.input.inference_options.{field}", "message": said}]
    assert app.models.names == []
    assert app.rows() == []


async def test_message_in_a_thread_is_refused_likewise_and_the_thread_is_free(app: App, alice: ChatClient) -> None:
    app.models.say("One")
    thread_id = (await ask(alice)).thread_id
    assert (await ask(alice, thread_id, model="o9")).status == 422
    app.models.say("Two")
    assert (await ask(alice, thread_id)).text == "Two"


async def test_one_users_choice_is_not_anothers(app: App, alice: ChatClient) -> None:
    bob = app.user("bob")
    call_of_show_tasks(app)
    await ask(alice, **THOROUGH, **SHOW)
    app.models.say("Hi")
    await ask(bob)
    assert app.models.names[-1] == "test-model"
    assert forced(app)[-1] is None


async def test_usage_and_cost_are_the_chosen_models(make: Make) -> None:
    app = make()
    app.models.say("Hi")
    await ask(app.user("alice"), **THOROUGH)
    report = Report(Bulk(app.table_name, app.dynamodb))
    [[turn]] = [page async for page in report.turns(Owner.of("default", "alice"))]
    # 700 tokens at 1.25 and 200 at 10 dollars for a million.
    assert (turn.model, turn.cost) == ("gpt-5", 2_875)
    assert (await used(app)).cost == 2_875


async def test_page_gets_what_the_server_takes_in_its_language(app: App, alice: ChatClient) -> None:
    answer = await alice.get(ROUTE, **{"Accept-Language": "de-AT, en;q=0.5"})
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    fast, thorough = answer.json["models"]
    assert fast == {
        "id": "fast",
        "label": "Schnell",
        "description": "Rasche Antworten auf alltägliche Fragen",
        "default": True,
    }
    assert "gpt-5" not in json.dumps(answer.json)
    for tool in answer.json["tools"]:
        app.models.say("Hi")
        assert (await ask(alice, model=thorough["id"], tool_choice={"id": tool["id"]})).status == 200
    show, add = answer.json["tools"]
    assert (show["label"], show["icon"], "placeholderOverride" in show) == ("Meine Aufgaben zeigen", "notebook", False)
    assert add["placeholderOverride"] == "Was ist zu tun?"


async def test_page_gets_nothing_without_a_token_or_with_a_wrong_one(app: App) -> None:
    assert (await app.client(None).get(ROUTE)).status == 401
    other = app.issuer.mint("alice", scope=SCOPE.replace("chat", "other"))
    assert (await app.client(other).get(ROUTE)).status == 403


async def test_application_without_choices_offers_none_and_takes_none(make: Make) -> None:
    app = make(agent=Agent[AgentContext[RequestContext]](name="a", model="test-model"))
    alice = app.user("alice")
    assert (await alice.get(ROUTE)).json == {"models": [], "tools": []}
    assert (await ask(alice, model="fast")).status == 422

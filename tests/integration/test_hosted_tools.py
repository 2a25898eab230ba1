"""What a model's provider carries out is there with the models whose API has it, and the composer says with which."""

import io
import json
from typing import Any

import pytest
from agents import Agent, WebSearchTool
from agents.testing.model import ModelCall
from chatkit.agents import AgentContext

from chat_api.assistant.agent import IMAGES
from chat_api.choices import Choices, ModelOffer, ToolOffer
from chat_api.mcp_servers import McpServer
from chat_api.providers import Provider
from chat_testing.app import App
from chat_testing.chat import Answer, ChatClient, message
from chat_testing.spent import Make
from chatkit_aws.context import RequestContext

NOTES = McpServer(name="notes", url="https://notes.example.com/mcp", tools=("find",), kind="hosted")
PROVIDERS = {
    "bedrock": Provider(bedrock="runtime", api="chat_completions"),
    "full": Provider(bedrock="mantle"),
}
IMAGE: dict[str, Any] = {"tool_choice": {"id": "image"}}
SHOW = ToolOffer("show", "Show", "notebook", tool="show_tasks")
OTHERS = Choices((ModelOffer("oss", "Open", "A model", model="bedrock/oss"), ModelOffer("one", "One")), (SHOW,))


async def ask(client: ChatClient, **options: Any) -> Answer:
    return await client.send("threads.create", input=message("Hello", inference_options=options))


async def asked(app: App, **options: Any) -> ModelCall:
    """The call of the model that answered a message with these options."""
    app.models.say("Hi")
    answer = await ask(app.user("alice"), **options)
    assert answer.text == "Hi", answer.body
    call = app.models.model.last_call
    assert call is not None
    return call


def names(call: ModelCall) -> set[str]:
    return {tool.name for tool in call.tools}


@pytest.mark.parametrize(
    "wrong",
    [
        {"model_api": "chat_completions"},
        {"model_api": "chat_completions", "model_name": "bedrock/oss"},
        {"model_name": "bedrock/oss", "choices": Choices()},
        {"model_name": "bedrock/oss", "choices": Choices((ModelOffer("oss", "Open", model="bedrock/other"),))},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("asks", "named"),
    [({"image_generation": True}, "IMAGE_GENERATION"), ({"mcp_servers": (NOTES,)}, "the hosted server notes")],
    ids=["images", "server"],
)
async def test_what_no_model_could_ever_have_is_found_at_the_start(
    make: Make, wrong: dict[str, Any], asks: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=f"{named}.*only the Responses API.*MODEL_API and MODEL_PROVIDERS"):
        make(**{"model_providers": PROVIDERS, "choices": None, **wrong, **asks})


async def test_own_tool_of_an_agent_that_no_model_could_ever_have_is_found_too(make: Make) -> None:
    agent = Agent[AgentContext[RequestContext]](name="a", model="bedrock/oss", tools=[WebSearchTool()])
    with pytest.raises(ValueError, match="web_search: only the Responses API"):
        make(agent=agent, model_providers=PROVIDERS)


@pytest.fixture
def mixed(make: Make) -> App:
    """Images and a server that the provider calls, with three models of which one cannot have them."""
    choices = Choices(OTHERS.models, (SHOW, ToolOffer("image", "Create an image", "images", tool=IMAGES.name)))
    return make(model_providers=PROVIDERS, image_generation=True, mcp_servers=(NOTES,), choices=choices)


@pytest.mark.parametrize(
    ("options", "has_them"), [({}, True), ({"model": "one"}, True), ({"model": "oss"}, False)], ids=str
)
async def test_model_whose_api_has_it_not_answers_without(
    mixed: App, options: dict[str, Any], *, has_them: bool
) -> None:
    call = await asked(mixed, **options)
    assert (names(call) >= {"image_generation", "hosted_mcp"}) is has_them
    assert "show_tasks" in names(call)
    assert ("notes" in str(call.input)) is has_them
    assert mixed.models.names == ["bedrock/oss" if options.get("model") == "oss" else "test-model"]


async def test_default_model_whose_api_has_it_not_answers_without(make: Make) -> None:
    offers = Choices((ModelOffer("full", "Full", model="full/large"), ModelOffer("first", "First")))
    app = make(model_name="bedrock/oss", model_providers=PROVIDERS, image_generation=True, choices=offers)
    assert "image_generation" not in names(await asked(app))
    assert "image_generation" not in names(await asked(app, model="first"))
    assert "image_generation" in names(await asked(app, model="full"))


async def test_composer_says_which_model_is_without_which_tool(mixed: App) -> None:
    shown = (await mixed.user("alice").get("/chatkit/choices", **{"Accept-Language": "de"})).json
    oss, one = shown["models"]
    assert oss["description"] == "A model · ohne: Bild erstellen"
    assert "description" not in one
    assert [tool["id"] for tool in shown["tools"]] == ["show", "image"]


async def test_tool_that_the_chosen_model_has_not_is_refused_and_another_model_takes_it(mixed: App) -> None:
    alice = mixed.user("alice")
    body = {
        "type": "threads.create",
        "params": {"input": message("A dot", inference_options={"model": "oss", **IMAGE})},
    }
    refused = await alice.post(json.dumps(body).encode(), **{"Accept-Language": "de"})
    said = "Dieses Werkzeug wird mit diesem Modell nicht angeboten. Bitte wählen Sie ein anderes Modell."
    assert (refused.status, refused.json["detail"]) == (422, said)
    assert mixed.rows() == []
    assert (await asked(mixed, model="one", **IMAGE)).model_settings.tool_choice == "image_generation"
    assert (await asked(mixed, model="oss", tool_choice={"id": "show"})).model_settings.tool_choice == "show_tasks"


async def test_question_that_is_answered_again_is_when_its_model_lost_the_tool(make: Make) -> None:
    tools = (ToolOffer("image", "Create an image", "images", tool=IMAGES.name),)
    before = make(image_generation=True, choices=Choices((ModelOffer("x", "X", model="full/x"),), tools))
    before.models.say("Hi")
    answer = await ask(before.user("alice"), model="x", **IMAGE)
    models = (ModelOffer("x", "X", model="bedrock/x"),)
    after = make(image_generation=True, model_providers=PROVIDERS, choices=Choices(models, tools))
    after.models.say("Again")
    sent = {"thread_id": answer.thread_id, "item_id": answer.items[0]["id"]}
    assert (await after.user("alice").send("threads.retry_after_item", **sent)).text == "Again"
    call = after.models.model.last_call
    assert call is not None
    assert (call.model_settings.tool_choice, "image_generation" in names(call)) == (None, False)


async def test_log_says_at_the_start_which_models_do_without(make: Make, log: io.StringIO) -> None:
    make(model_providers=PROVIDERS, image_generation=True, choices=OTHERS)
    [line] = [line for line in log.getvalue().splitlines() if "do without" in line]
    assert "['image_generation (IMAGE_GENERATION)'], since they speak Chat Completions: ['oss']" in line

"""What is offered fits together: ids, tools, prices."""

import pytest

from chat_api.assistant.agent import build_agent, load_prices
from chat_api.assistant.choices import CHOICES
from chat_api.checks import check_tools
from chat_api.choices import Choices, ModelOffer, ToolOffer
from chat_testing.app import settings_for
from chatkit_aws.usage import Usage


def test_tools_that_are_offered_are_the_agents() -> None:
    check_tools(settings_for("table", "http://127.0.0.1/jwks"), build_agent("test-model"), CHOICES)


def test_tool_that_the_agent_does_not_have_is_found_at_the_start() -> None:
    choices = Choices(tools=(ToolOffer("a", "A", "bolt", tool="show_tasks"), ToolOffer("b", "B", "bolt", tool="fly")))
    with pytest.raises(ValueError, match="no tool named fly"):
        check_tools(settings_for("table", "http://127.0.0.1/jwks"), build_agent("test-model"), choices)


def test_id_that_is_there_twice_is_found_at_the_start() -> None:
    with pytest.raises(ValueError, match="there twice among a, b, a"):
        Choices(tuple(ModelOffer(name, name) for name in "aba"))


@pytest.mark.parametrize("offer", [offer for offer in CHOICES.models if offer.model], ids=lambda offer: offer.id)
def test_model_that_is_offered_has_a_price(offer: ModelOffer) -> None:
    assert load_prices().cost(offer.model, Usage(input=1)) is not None


def test_one_model_is_selected_at_first() -> None:
    assert [offer.default for offer in CHOICES.models].count(True) == 1

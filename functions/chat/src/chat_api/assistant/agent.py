"""The agent: its instructions, its tools, its model. This is the first file to edit."""

from importlib.resources import files

from agents import Agent, ImageGenerationTool
from chatkit.agents import AgentContext

from chat_api.assistant import client_tools, clock, details, draft, effects, tools, week
from chat_api.assistant.instructions import load_instructions
from chat_api.toolkit.pauses import until_answered
from chatkit_aws.context import RequestContext
from chatkit_aws.usage import Prices


def load_prices() -> Prices:
    """What models cost, from `prices.json`: US dollars for a million tokens. Raises InvalidPrices."""
    return Prices.of(files(__package__).joinpath("prices.json").read_text(encoding="utf-8"))


IMAGES = ImageGenerationTool({"type": "image_generation", "quality": "medium", "output_format": "webp"})
"""Has the model make images, which cost more than words (docs/images.md). Higher quality may take longer than a model
may be silent (`MODEL_SECONDS`)."""


def build_agent(model: str, *, images: bool = False) -> Agent[AgentContext[RequestContext]]:
    """The agent that answers every turn; `model` is the name that its provider knows. With `images` it makes some."""
    return Agent[AgentContext[RequestContext]](
        name="assistant",
        instructions=load_instructions(),
        tools=[
            tools.show_tasks,
            tools.add_task,
            tools.list_tasks,
            tools.complete_task,
            tools.update_task,
            tools.delete_task,
            tools.show_task_form,
            clock.current_time,
            week.plan_week,
            draft.draft_plan,
            details.ask_details,
            client_tools.open_task,
            effects.switch_theme,
            *([IMAGES] if images else []),
        ],
        tool_use_behavior=until_answered,
        model=model,
    )

"""What the assistant has the page do, besides what is in the conversation: client effects.

An effect is sent once, is not stored, and nobody answers it. The page gets it as ChatKit's event `chatkit.effect`, in
React as `onEffect`, and knows it by its name
(https://openai.github.io/chatkit-js/api/openai/chatkit/type-aliases/chatkitevents).
"""

from typing import Literal

from agents import RunContextWrapper, function_tool
from chatkit.agents import AgentContext
from chatkit.types import ClientEffectEvent

from chatkit_aws.context import RequestContext


@function_tool
async def switch_theme(run: RunContextWrapper[AgentContext[RequestContext]], theme: Literal["light", "dark"]) -> str:
    """Ask the page to show itself in light or dark colours.

    Args:
        run: The run that calls the tool; not shown to the model.
        theme: The colours that the user wants.
    """
    await run.context.stream(ClientEffectEvent(name="switch_theme", data={"theme": theme}))
    return f"The page was asked to become {theme}. Whether it did, only the user can see."

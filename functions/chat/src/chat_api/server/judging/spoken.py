"""What is judged of what the model says."""

from collections.abc import Iterator

from agents import ModelResponse
from openai.types.responses import ResponseOutputMessage, ResponseOutputText, ResponseReasoningItem


def texts_of(response: ModelResponse) -> Iterator[str]:
    """A response's messages, and its thoughts as far as they are shown."""
    for item in response.output:
        if isinstance(item, ResponseOutputMessage):
            yield "".join(part.text if isinstance(part, ResponseOutputText) else part.refusal for part in item.content)
    thoughts = [item.summary for item in response.output if isinstance(item, ResponseReasoningItem)]
    yield "\n\n".join(part.text for summary in thoughts for part in summary)

"""What a server's tool gave back, as text for the model: data from outside, of bounded length."""

import json

from mcp.types import CallToolResult, ContentBlock, EmbeddedResource, TextContent, TextResourceContents

MAX_RESULT = 20_000
"""Characters of a result that the model is told: it pays for them in every later call of the turn."""


def told(server: str, result: CallToolResult) -> str:
    """The result in JSON, so that no text in it can look like what stands around it."""
    text = _text(result)
    left_out = len(text) - MAX_RESULT
    answer: dict[str, object] = {"untrusted_result_of": server, "text": text[:MAX_RESULT]}
    if left_out > 0:
        answer["characters_left_out"] = left_out
    if result.isError:
        answer["failed"] = True
    return json.dumps(answer, ensure_ascii=False)


def _text(result: CallToolResult) -> str:
    """The structured result where there is one, which the texts would repeat; else the texts."""
    if result.structuredContent is not None:
        return json.dumps(result.structuredContent, ensure_ascii=False)
    return "\n".join(map(_text_of, result.content))


def _text_of(part: ContentBlock) -> str:
    match part:
        case TextContent(text=text) | EmbeddedResource(resource=TextResourceContents(text=text)):
            return text
    return f"[{part.type} left out]"

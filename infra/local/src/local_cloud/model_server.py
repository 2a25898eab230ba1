"""An offline model that speaks the Responses API: it repeats what it is told, and uses the assistant's tools when asked.

It stands in for a model where there is no key and no network; it is no model, and says so.
"""

import argparse
import json
import re
import time
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Header, HTTPException
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel

from local_cloud.responses import Event, text_answer, tool_call

KEY = "offline-key"
"""The one key that is accepted, so that a wrong one is refused as by a real model."""


class ModelRequest(BaseModel):
    """What is read of a request to the Responses API."""

    input: str | list[dict[str, Any]]
    tools: list[dict[str, Any]] = []
    stream: bool = False


def create_model(delay: float = 0.05, key: str = KEY) -> FastAPI:
    """The model as an application; `delay` is in seconds between two words."""
    app = FastAPI(title="offline model")

    @app.post("/v1/responses")
    def responses(request: ModelRequest, authorization: Annotated[str, Header()] = "") -> Response:
        if authorization != f"Bearer {key}":
            raise HTTPException(401, {"error": {"message": "Incorrect API key provided."}})
        events = _answer(request, delay)
        if request.stream:
            return StreamingResponse(_lines(events), media_type="text/event-stream")
        *_, completed = events
        return JSONResponse(completed["response"])

    return app


def _answer(request: ModelRequest, delay: float) -> Iterator[Event]:
    """A tool call if the last message asks for one, the tool's result in words if there is one, else an echo."""
    items = request.input if isinstance(request.input, list) else [{"role": "user", "content": request.input}]
    last = items[-1] if items else {}
    if last.get("type") == "function_call_output":
        return text_answer(_words(f"The tool says: {last.get('output')}", delay))
    said = _text(last)
    offered = {tool.get("name") for tool in request.tools}
    if "current_time" in offered and re.search(r"\b(time|clock|date)\b", said, re.IGNORECASE):
        zone = re.search(r"\b[A-Z]\w+/[A-Z]\w+\b", said)
        return tool_call("current_time", json.dumps({"time_zone": zone[0] if zone else "UTC"}))
    return text_answer(_words(f"You said: {said} (I am the offline model: ask me for the time.)", delay))


def _text(item: dict[str, Any]) -> str:
    """The text of a message."""
    content = item.get("content", "")
    return content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content)


def _words(text: str, delay: float) -> Iterator[str]:
    for word in re.findall(r"\S+\s*", text):
        time.sleep(delay)
        yield word


def _lines(events: Iterable[Event]) -> Iterator[str]:
    """The events as server-sent events, numbered."""
    for number, event in zip(count(), events, strict=False):
        yield f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n"


def main() -> None:
    """Serve the model: `python -m local_cloud.model_server --port 8001`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0.05)
    arguments = parser.parse_args()
    uvicorn.run(create_model(arguments.delay), host=arguments.host, port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()

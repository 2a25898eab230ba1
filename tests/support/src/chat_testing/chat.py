"""A ChatKit client in the tests' words, over any httpx2 client: the app in process, or a deployed stack."""

import json
from dataclasses import dataclass
from typing import Any

import httpx2


def message(text: str, **extra: Any) -> dict[str, Any]:
    """A user's message as ChatKit.js sends it."""
    return {"content": [{"type": "input_text", "text": text}], "attachments": [], "inference_options": {}, **extra}


def request(request_type: str, **params: Any) -> dict[str, Any]:
    """A ChatKit request."""
    return {"type": request_type, "params": params}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: httpx2.Headers
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The server-sent events; fails on anything between them that is neither one nor a comment."""
        lines = self.body.decode().splitlines(keepends=True)
        parts = "".join(line for line in lines if not line.startswith(":")).split("\n\n")
        assert parts.pop().strip() == ""
        assert all(part.startswith("data: ") for part in parts), parts
        return [json.loads(part.removeprefix("data: ")) for part in parts]

    def of_type(self, event_type: str) -> list[dict[str, Any]]:
        """The events of one type."""
        return [event for event in self.events if event["type"] == event_type]

    @property
    def thread_id(self) -> str:
        """The id of the thread that this answer created."""
        thread_id = self.of_type("thread.created")[0]["thread"]["id"]
        assert isinstance(thread_id, str)
        return thread_id

    @property
    def items(self) -> list[dict[str, Any]]:
        """The items that are done, in the order in which they were."""
        return [event["item"] for event in self.of_type("thread.item.done")]

    @property
    def text(self) -> str:
        """The assistant's text, put together from its deltas."""
        updates = [event["update"] for event in self.of_type("thread.item.updated")]
        return "".join(u["delta"] for u in updates if u["type"] == "assistant_message.content_part.text_delta")


class ChatClient:
    """One signed-in user."""

    def __init__(self, http: httpx2.AsyncClient, token: str | None, path: str = "/chatkit") -> None:
        """Talk over `http` with `token`; `path` is the endpoint's, relative to the client's base address."""
        self._http = http
        self._path = path
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def send(self, request_type: str, **params: Any) -> Answer:
        """Send a request and read its answer to the end."""
        return await self.post(json.dumps(request(request_type, **params)).encode())

    async def post(self, body: bytes, path: str | None = None, **headers: str) -> Answer:
        """Send any body, to another path than the endpoint's where one is given."""
        sent = {"Content-Type": "application/json", **self._headers, **headers}
        answer = await self._http.post(path or self._path, content=body, headers=sent)
        return Answer(answer.status_code, answer.headers, answer.content)

    async def get(self, path: str, **headers: str) -> Answer:
        """Read what is at a path."""
        answer = await self._http.get(path, headers={**self._headers, **headers})
        return Answer(answer.status_code, answer.headers, answer.content)

    async def create(self, text: str = "Hello") -> Answer:
        """Create a thread with a first message."""
        return await self.send("threads.create", input=message(text))

    async def say(self, thread_id: str, text: str) -> Answer:
        """Go on in a thread."""
        return await self.send("threads.add_user_message", thread_id=thread_id, input=message(text))

    async def items(self, thread_id: str) -> list[dict[str, Any]]:
        """The items of a thread, oldest first."""
        answer = await self.send("items.list", thread_id=thread_id, order="asc", limit=100)
        data = answer.json["data"]
        assert isinstance(data, list)
        return data

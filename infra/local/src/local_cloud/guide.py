"""What `make dev` prints: all that a person needs to call the application."""

import json
from dataclasses import dataclass

from local_cloud.dev_app import TOKEN
from local_cloud.paths import ROOT
from local_cloud.stack import Stack
from local_cloud.users import User, sign_in_page


@dataclass(frozen=True, slots=True)
class Model:
    """Where the answers come from; the template's own model where no name is given."""

    base_url: str
    key: str
    name: str | None = None
    is_offline: bool = False

    @property
    def parameters(self) -> dict[str, str]:
        """The template's parameters for it; the key goes into the secret instead."""
        named = {"ModelName": self.name} if self.name else {}
        return {"OpenAIBaseUrl": self.base_url.rstrip("/"), **named}

    def __str__(self) -> str:
        offline = "offline, it repeats what you say; set OPENAI_API_KEY for a real one"
        return f"{self.base_url} ({offline})" if self.is_offline else self.base_url


def text(deployed: Stack, user: User, model: Model, address: str) -> str:
    """The guide; `address` is where the application is served."""
    message = {
        "content": [{"type": "input_text", "text": "What time is it in Europe/Berlin?"}],
        "attachments": [],
        "inference_options": {},
    }
    body = json.dumps({"type": "threads.create", "params": {"input": message}})
    endpoint = deployed.cloud.endpoint
    return f"""
Ready: {address}/
Edit functions/chat/src/chat_api/assistant and it reloads.

  model     {model}
  user      {user.name}
  password  {user.password}
  sign-in   {sign_in_page(deployed)}
  token     {TOKEN.relative_to(ROOT)}, or {address}/token; the demo user's, renewed every half hour
  AWS       {endpoint}, for the AWS CLI as AWS_ENDPOINT_URL with any key

  curl -N {address}/chatkit -H "Authorization: Bearer $(curl -s {address}/token)" \\
    -H 'Content-Type: application/json' -d '{body}'

The same as deployed to the local cloud, where an answer comes whole:

  {endpoint}/v1/chatkit  with  -H 'Host: {deployed.rest_host}'
  {endpoint}/chatkit  with  -H 'Host: {deployed.function_url_host}'

Ctrl-C stops all of it.
"""

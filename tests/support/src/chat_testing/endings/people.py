"""Users who are in nobody's way, and what they ask."""

import json
from dataclasses import dataclass

from chat_testing.builders import context
from chat_testing.chat import message, request
from chatkit_aws.context import RequestContext

TENANT = "default"


@dataclass(frozen=True, slots=True)
class Person:
    """A user of their own, whom no other turn is in the way of."""

    name: str
    token: str

    @property
    def context(self) -> RequestContext:
        """Whose rows these are."""
        return context(self.name, TENANT)


def asking(question: str, thread_id: str | None) -> bytes:
    """The request that asks this in a thread, or in a new one, as it is sent."""
    if thread_id:
        return json.dumps(request("threads.add_user_message", thread_id=thread_id, input=message(question))).encode()
    return json.dumps(request("threads.create", input=message(question))).encode()

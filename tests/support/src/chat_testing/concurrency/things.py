"""Items that a model can name: what each says in one word, and the SDK's object that says it."""

from chatkit.types import (
    ClientToolCallItem,
    CustomTask,
    StructuredInputAnswer,
    StructuredInputFreeform,
    StructuredInputItem,
    ThreadItem,
    UserMessageItem,
    UserMessageTextContent,
    WorkflowItem,
)

from chat_testing.builders import after, incompressible, user_message, workflow_item
from chat_testing.concurrency.state import Place
from chatkit_aws.store.overflow import MAX_INLINE_BYTES

PENDING = "pending"
"""What a question says that has no answer yet."""
LONG = "long"
"""What a message says that goes into an object."""
_LONG_TEXT = LONG + incompressible(MAX_INLINE_BYTES * 5 // 4)


def item(thread: str, name: str, place: Place) -> ThreadItem:
    """The item of this name; its first letter tells its kind: question, client tool call, workflow, message."""
    fields = {"id": name, "thread_id": thread, "created_at": after(place.created)}
    match name[0]:
        case "q":
            return _question(place, **fields)
        case "c":
            return _tool_call(place, **fields)
        case "w":
            return workflow_item(CustomTask(title=place.content), **fields)
        case _:
            return user_message(_LONG_TEXT if place.content == LONG else place.content, **fields)


def place_of(found: ThreadItem) -> Place:
    """What an item says."""
    created = round((found.created_at - after(0)).total_seconds())
    match found:
        case StructuredInputItem(status="pending") | ClientToolCallItem(status="pending"):
            return Place(created, PENDING)
        case StructuredInputItem(inputs=[StructuredInputFreeform(answer=StructuredInputAnswer(values=[answer]))]):
            return Place(created, answer, settled=True)
        case ClientToolCallItem():
            return Place(created, str(found.output), settled=True)
        case WorkflowItem():
            [task] = found.workflow.tasks
            assert isinstance(task, CustomTask)
            return Place(created, str(task.title))
        case UserMessageItem(content=[UserMessageTextContent(text=text)]):
            return Place(created, LONG if text == _LONG_TEXT else text)
    message = f"not an item of the model: {found}"
    raise AssertionError(message)


def _question(place: Place, **fields: object) -> StructuredInputItem:
    answer = StructuredInputAnswer(values=[place.content]) if place.settled else None
    asked = StructuredInputFreeform(id="one", question="Which?", answer=answer)
    status = "answered" if place.settled else "pending"
    return StructuredInputItem.model_validate({"status": status, "inputs": [asked], **fields})


def _tool_call(place: Place, **fields: object) -> ClientToolCallItem:
    status, output = ("completed", place.content) if place.settled else ("pending", None)
    fixed: dict[str, object] = {"call_id": "call", "name": "look", "arguments": {}, "status": status, "output": output}
    return ClientToolCallItem.model_validate({**fixed, **fields})

"""What the model is told where a tool could not do what it asked for."""

from agents import RunContextWrapper
from agents.exceptions import ModelBehaviorError
from pydantic import ValidationError

from chat_api.assistant.tasks import MAX_TITLE
from chatkit_aws.errors import Held, RecordNotFound, RecordsFull


def explain(_run: RunContextWrapper[object], error: Exception) -> str:
    """Why nothing was done, for the model to put right or to say; any other error is raised, and ends the answer."""
    match error:
        case ModelBehaviorError() | ValidationError() | OverflowError():
            return f"Nothing was done: a title has 1 to {MAX_TITLE} characters, and a date is like 2026-12-31."
        case RecordNotFound():
            return "Nothing was done: there is no task with this id. list_tasks tells the ids."
        case RecordsFull(most=most):
            return f"Nothing was done: the user has {most} tasks and may have no more. Some can be deleted."
        case Held():
            return "Nothing was done: the account is under legal hold, so nothing can be deleted."
    raise error

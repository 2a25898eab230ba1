"""What a client is told where a tool could not do what it asked for."""

from pydantic import ValidationError

from chatkit_aws.errors import Held, RecordNotFound, RecordsFull, StoreUnavailable
from task_tools.tasks import MAX_TITLE

DEFECT = "Something went wrong on our side."
_WRONG = (
    "Nothing was done: {fields} cannot be so. A title has 1 to {most} characters, a date is like"
    " 2026-12-31, and no text stands for a number or a yes."
)


def wrong(fields: str) -> str:
    """What is told of arguments that are none."""
    return _WRONG.format(fields=fields, most=MAX_TITLE)


def explain(error: BaseException | None) -> str | None:
    """Why nothing was done, for a model to put right or to say; None for what is a defect of ours."""
    match error:
        case ValidationError():
            return wrong(", ".join(sorted({".".join(map(str, detail["loc"])) for detail in error.errors()})))
        case RecordNotFound():
            return "Nothing was done: there is no task with this id. list_tasks tells the ids."
        case RecordsFull(most=most):
            return f"Nothing was done: the user has {most} tasks and may have no more. Some can be deleted."
        case Held():
            return "Nothing was done: the account is under legal hold, so nothing can be deleted."
        case StoreUnavailable():
            return "The tasks cannot be reached. Try again in a moment."
    return None

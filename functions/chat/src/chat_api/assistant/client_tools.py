"""What the assistant asks the page to do, and whose result it waits for: client tools.

The page gets the call in ChatKit's option `onClientTool`; what this returns comes back as the call's output, and the
answer goes on (https://openai.github.io/chatkit-js/guides/client-tools). A call is stored. One that is never answered,
since the page was closed, is left out of what the model is given. An output is what a browser says: the model is told
so in `instructions.md`, and `bounds.py` limits its size.
"""

from agents import function_tool
from chatkit.agents import ClientToolCall

from chat_api.assistant.refusals import explain
from chat_api.assistant.run import Run, tasks_of
from chat_api.toolkit.pauses import WAITS


@function_tool(failure_error_function=explain)
async def open_task(run: Run, task_id: str) -> str:
    """Have the page open a task, so that the user sees all of it. The page says whether it did.

    Args:
        run: The run that calls the tool; not shown to the model.
        task_id: The id that list_tasks or add_task told.
    """
    task = await tasks_of(run).get(task_id)
    if run.context.client_tool_call is not None:
        return "Nothing was done: the page can be asked for one thing at a time."
    shown = task.model_dump(mode="json", include={"title", "due", "done"})
    run.context.client_tool_call = ClientToolCall(name="open_task", arguments={"task_id": task.id, **shown})
    return WAITS

"""Where an answer pauses: after a tool that asks the page or the user something, the model is not called again.

What they answer begins the next turn, in whose history the model finds it.
"""

from agents import FunctionToolResult, RunContextWrapper, ToolsToFinalOutputResult

WAITS = "The answer goes on when this was answered."
"""What a tool gives back that has asked."""


def until_answered(_run: RunContextWrapper[object], results: list[FunctionToolResult]) -> ToolsToFinalOutputResult:
    """End here if one of the tools has asked; `StopAtTools` would also end after one that could not, with no word."""
    waits = any(result.output == WAITS for result in results)
    return ToolsToFinalOutputResult(is_final_output=waits, final_output=WAITS if waits else None)

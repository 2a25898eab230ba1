"""Starts the function's process for the exec wrapper: Amazon's interface client with two of its seams replaced.

Run as `python boot.py BOOTSTRAP`, BOOTSTRAP being the runtime's own start-up script, which then does all the rest. This
file runs before that script has put the layers on `sys.path`, so it imports the standard library and awslambdaric only.

The seams, called in turn for each invocation:
    marshaller.marshal_response(response)     lets a StreamedResponse pass instead of making JSON of it
    client.post_invocation_result(...)        delivers it
"""

import importlib
import os
import runpy
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_POST_PARAMETERS = ("self", "invoke_id", "result_data", "content_type")


class SeamMissing(Exception):
    """The interface client is not made as expected; the message says what is missing."""


def main(bootstrap: str) -> None:
    """Replace the seams and run the runtime's bootstrap as if it had been started itself."""
    runtime = os.path.dirname(bootstrap)
    del sys.argv[0]
    sys.path[0] = runtime
    try:
        replace_seams(*_interface_client())
    except SeamMissing as exc:
        version = getattr(sys.modules.get("awslambdaric"), "__version__", "(none)")
        sys.exit(f"lambda-streaming: cannot stream with awslambdaric {version}: {exc}")
    runpy.run_path(bootstrap, run_name="__main__")


def _interface_client() -> tuple[ModuleType, ModuleType]:
    """The modules `bootstrap` and `lambda_runtime_client`, found in the order in which Amazon's bootstrap looks."""
    layer = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    before = [*sys.path]
    sys.path[:0] = [os.environ.get("LAMBDA_TASK_ROOT", "/var/task"), layer]
    try:
        return (
            importlib.import_module("awslambdaric.bootstrap"),
            importlib.import_module("awslambdaric.lambda_runtime_client"),
        )
    except ImportError as exc:
        raise SeamMissing(str(exc)) from exc
    finally:
        sys.path[:] = before


def replace_seams(bootstrap: ModuleType, client: ModuleType) -> None:
    """Make the client of these modules deliver streamed responses; raises `SeamMissing` and then changes nothing."""
    post_class = getattr(client, "BaseLambdaRuntimeClient", None) or getattr(client, "LambdaRuntimeClient", None)
    if not _is_called_for_each_invocation(bootstrap):
        raise SeamMissing("handle_event_request does not call marshal_response and post_invocation_result")
    if not callable(getattr(getattr(post_class, "marshaller", None), "marshal_response", None)):
        raise SeamMissing("the client has no marshaller.marshal_response")
    code = getattr(getattr(post_class, "post_invocation_result", None), "__code__", None)
    if code is None or code.co_varnames[: len(_POST_PARAMETERS)] != _POST_PARAMETERS:
        raise SeamMissing(f"the client has no post_invocation_result({', '.join(_POST_PARAMETERS)})")
    assert post_class is not None  # noqa: S101 - it has both seams
    post_class.marshaller.marshal_response = _passing(post_class.marshaller.marshal_response)
    post_class.post_invocation_result = _delivering(post_class.post_invocation_result)
    sys.modules["awslambdaric"].delivers_streamed_responses = True  # type: ignore[attr-defined] # read by AsgiHandler


def _is_called_for_each_invocation(bootstrap: ModuleType) -> bool:
    code = getattr(getattr(bootstrap, "handle_event_request", None), "__code__", None)
    return code is not None and {"marshal_response", "post_invocation_result"} <= set(code.co_names)


def _passing(original: Callable[[object], Any]) -> Callable[[object], Any]:
    def marshal_response(response: object) -> Any:
        return (response, "") if _is_streamed(response) else original(response)

    return marshal_response


def _delivering(original: Callable[..., None]) -> Callable[..., None]:
    def post_invocation_result(self: object, invoke_id: str, result_data: Any, *rest: Any, **named: Any) -> None:
        if not _is_streamed(result_data):
            original(self, invoke_id, result_data, *rest, **named)
            return
        invocation_id = named.get("invocation_id") or (rest[1] if len(rest) > 1 else None)
        result_data.deliver(os.environ["AWS_LAMBDA_RUNTIME_API"], invoke_id, invocation_id)

    return post_invocation_result


def _is_streamed(response: object) -> bool:
    """Whether the handler returned a `StreamedResponse`: of the class that the handler's own import loaded."""
    module = sys.modules.get("lambda_streaming.streamed")
    return module is not None and isinstance(response, module.StreamedResponse)


if __name__ == "__main__":
    main(sys.argv[1])

"""How a process starts and ends: the wrapper, the replaced seams, and what stays Amazon's."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chat_testing.function_process import FunctionProcess
from chat_testing.http_events import rest_event, url_event
from chat_testing.runtime_api import RuntimeApi
from chat_testing.sandbox import Sandbox

SET_AND_GO_ON = '#!/bin/sh\nexport WRAPPED="$# arguments"\nexec "$@"\n'


def facts(api: RuntimeApi, sandbox: Sandbox) -> dict[str, Any]:
    with FunctionProcess(sandbox, api.address):
        found: dict[str, Any] = json.loads(api.invoke(rest_event("/facts")).response().body)
        return found


def replace_in_interface_client(sandbox: Sandbox, module: str, old: str, new: str) -> None:
    """Give the sandbox an interface client of its own that differs in one place."""
    link = sandbox.runtime / "awslambdaric"
    source = link.resolve()
    if link.is_symlink():
        link.unlink()
        shutil.copytree(source, link, ignore=shutil.ignore_patterns("__pycache__"))
    text = (link / module).read_text()
    assert old in text
    (link / module).write_text(text.replace(old, new))


def test_bootstrap_runs_as_if_the_wrapper_were_not_there(api: RuntimeApi, sandbox: Any) -> None:
    wrapped = sandbox()
    found = facts(api, wrapped)
    assert found["main"] == str(wrapped.runtime / "bootstrap.py")
    assert found["sys.argv"] == [found["main"]]
    assert found["PYTHONPATH"] == str(wrapped.runtime)  # the bootstrap's own setting, for child processes
    assert found["sys.path"][0] == str(wrapped.root / "var/task")
    assert not [entry for entry in found["sys.path"] if entry.endswith("lambda_streaming")]


def test_next_wrapper_is_called_with_the_command(api: RuntimeApi, sandbox: Any, tmp_path: Path) -> None:
    further = tmp_path / "further"
    further.write_text(SET_AND_GO_ON)
    further.chmod(0o755)
    assert facts(api, sandbox(LAMBDA_STREAMING_NEXT_WRAPPER=str(further)))["WRAPPED"] == "3 arguments"


def test_next_wrapper_that_is_not_executable_is_named(api: RuntimeApi, sandbox: Any, tmp_path: Path) -> None:
    with FunctionProcess(sandbox(LAMBDA_STREAMING_NEXT_WRAPPER=str(tmp_path / "none")), api.address) as process:
        assert process.wait() == 126
        assert f"LAMBDA_STREAMING_NEXT_WRAPPER names {tmp_path / 'none'}" in process.output


@pytest.mark.parametrize("variables", [{"AWS_SAM_LOCAL": "true"}, {"AWS_LAMBDA_EXEC_WRAPPER": ""}])
def test_response_is_whole_where_the_wrapper_is_not_in_charge(
    api: RuntimeApi, sandbox: Any, variables: dict[str, str]
) -> None:
    with FunctionProcess(sandbox(**variables), api.address):
        response = api.invoke(url_event("/cookies")).response()
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.payload) == {
        "statusCode": 201,
        "headers": {"content-type": "application/octet-stream", "vary": "Origin,Accept"},
        "cookies": ["a=1; Path=/", "b=2"],
        "body": "yes",
        "isBase64Encoded": False,
    }


def test_next_wrapper_is_called_under_sam_local_too(api: RuntimeApi, sandbox: Any, tmp_path: Path) -> None:
    further = tmp_path / "further"
    further.write_text(SET_AND_GO_ON)
    further.chmod(0o755)
    wrapped = sandbox(AWS_SAM_LOCAL="true", LAMBDA_STREAMING_NEXT_WRAPPER=str(further))
    with FunctionProcess(wrapped, api.address):
        document = json.loads(api.invoke(rest_event("/echo", body="x")).response().payload)
    assert document["statusCode"] == 200


def test_handler_that_is_not_asgi_answers_json_as_ever(api: RuntimeApi, sandbox: Any) -> None:
    with FunctionProcess(sandbox("plain"), api.address):
        invocation = api.invoke({"a": 1})
        response = invocation.response()
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.payload) == {"event": {"a": 1}, "request_id": invocation.request_id}


def test_failed_lifespan_startup_is_an_init_error(api: RuntimeApi, sandbox: Any) -> None:
    with FunctionProcess(sandbox("startup_fails"), api.address) as process:
        invocation = api.invoke(rest_event("/"))
        error = api.init_error()
        assert process.wait() == 1
        with pytest.raises(AssertionError, match="got an init error"):
            invocation.response()
    assert error.kind == "LifespanFailure"
    assert "no database" in error.document["errorMessage"]


def test_module_that_cannot_be_imported_is_an_init_error(api: RuntimeApi, sandbox: Any) -> None:
    with FunctionProcess(sandbox("absent"), api.address) as process:
        assert api.init_error().kind == "Runtime.ImportModuleError"
        assert process.wait() == 1


def test_sigterm_runs_the_lifespan_shutdown_and_ends_the_process(api: RuntimeApi, sandbox: Any) -> None:
    with FunctionProcess(sandbox(), api.address) as process:
        api.wait_until_idle()
        assert process.terminate() == -15
        assert process.output.count("lifespan has ended") == 1


def test_snapshot_restore_stays_amazons(api: RuntimeApi, sandbox: Any) -> None:
    with FunctionProcess(sandbox(AWS_LAMBDA_INITIALIZATION_TYPE="snap-start"), api.address):
        assert api.invoke(rest_event("/echo", body="restored")).response().body == b"restored"
    assert api.restores == 1


def test_json_logs_stay_amazons(api: RuntimeApi, sandbox: Any) -> None:
    with FunctionProcess(sandbox(AWS_LAMBDA_LOG_FORMAT="JSON"), api.address) as process:
        invocation = api.invoke(rest_event("/fail_late"))
        invocation.response()
        api.wait_until_idle()
        line = next(line for line in process.output.splitlines() if "after its first byte" in line)
    logged = json.loads(line)
    assert (logged["level"], logged["requestId"]) == ("ERROR", invocation.request_id)
    assert logged["errorType"] == "ValueError"


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("lambda_runtime_client.py", "def post_invocation_result", "def post_result"),
        ("lambda_runtime_client.py", "    marshaller = LambdaMarshaller()", "    codec = LambdaMarshaller()"),
        ("lambda_runtime_marshaller.py", "def marshal_response(", "def to_wire("),
        ("bootstrap.py", "lambda_runtime_client.post_invocation_result(", "lambda_runtime_client.post("),
        ("__init__.py", "__version__", "raise ImportError('broken') #"),
    ],
)
def test_changed_interface_client_is_one_plain_error(
    api: RuntimeApi, sandbox: Any, module: str, old: str, new: str
) -> None:
    wrapped = sandbox()
    replace_in_interface_client(wrapped, "__init__.py", '__version__ = "4.2.2"', '__version__ = "9.9.9"')
    replace_in_interface_client(wrapped, module, old, new)
    with FunctionProcess(wrapped, api.address) as process:
        assert process.wait() == 1
        assert process.output.startswith("lambda-streaming: cannot stream with awslambdaric ")
        assert process.output.count("\n") == 1
        assert "9.9.9" in process.output or "broken" in process.output


def test_managed_instances_stream_from_several_processes_at_once(api: RuntimeApi, sandbox: Any, gate: Any) -> None:
    """There the interface client forks workers, each of which asks for events."""
    with FunctionProcess(sandbox(AWS_LAMBDA_MAX_CONCURRENCY="2", GATE=gate.address), api.address):
        invocations = [api.invoke(rest_event("/gated")) for _ in range(2)]
        apps = [gate.accept() for _ in invocations]
        for app in apps:
            app.sendall(b"line\n")
        for invocation in invocations:
            assert invocation.chunk(1).data == b"line\n"
        for app in apps:
            app.close()
        assert [invocation.response().body for invocation in invocations] == [b"line\n"] * 2


def test_interface_client_without_invocation_ids_still_streams(api: RuntimeApi, sandbox: Any) -> None:
    """As of awslambdaric 3, which a managed runtime may still carry."""
    wrapped = sandbox()
    replace_in_interface_client(
        wrapped, "bootstrap.py", "result_content_type, invocation_id\n        )", "result_content_type\n        )"
    )
    assert facts(api, wrapped)["startups"] == 1

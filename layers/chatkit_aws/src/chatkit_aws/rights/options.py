"""The command's options."""

from __future__ import annotations

import argparse
import os
import pwd
import socket
from contextlib import suppress
from pathlib import Path

_DESCRIPTION = """Export, import and erase a user's data, and place legal holds. Region, credentials and endpoints are
those that every AWS tool uses. What is done is on record in the table. Reports are JSON on standard output."""
_EPILOG = """exit status: 0 done; 1 try again, which goes on where it ended, but for an export; 2 wrong usage; 3
refused; 4 done but for what the report says; 5 wait: the user is being erased; 6 mend what hinders it, then the same
again; 7 done, and that it ended is not on record; 130 interrupted"""


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    top = argparse.ArgumentParser("chatkit-rights", description=_DESCRIPTION, epilog=_EPILOG, allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _export(_command(commands, "export", "all of a user's data as one file"))
    _import(_command(commands, "import", "write what such a file holds"))
    _erase(_command(commands, "erase", "remove all that there is of a user"))
    hold = commands.add_parser("hold", help="legal hold: nothing of a user's expires or can be deleted")
    holds = hold.add_subparsers(required=True, metavar="ACTION")
    _reasoned(_of_user(_command(holds, "place", "put a user under hold")))
    _retention(_reasoned(_of_user(_command(holds, "lift", "end a hold: all expires again as retention says"))))
    show = _of_user(_command(holds, "show", "whether a user is under hold, since when and why"))
    show.add_argument("--reason", default="", type=_text, help="for the record")
    audit = _command(commands, "audit", "who did what of this, a line of JSON each")
    audit.add_argument("--reason", default="", type=_text, help="for the record")
    audit.add_argument("--since", default="", metavar="TIME", help="the beginning of the times wanted: 2026-11")
    return top


def operator() -> str:
    """Who runs the command, as far as this machine knows; not what the environment says, which anybody can change."""
    name = str(os.getuid())
    with suppress(KeyError):  # in a container users may have no names
        name = pwd.getpwuid(os.getuid()).pw_name
    return f"{name}@{socket.gethostname()}"


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    command.set_defaults(command=command.prog.partition(" ")[2])
    command.add_argument("--table", required=True, help="the table's name")
    command.add_argument("--tenant", required=True, type=_text, help="the user's tenant")
    command.add_argument("--region", help="the AWS region, if not the usual one")
    command.add_argument("--actor", type=_text, default=operator(), help="who does it (%(default)s)")
    return command


def _export(command: argparse.ArgumentParser) -> None:
    _sealed(_with_bucket(_of_user(command))).add_argument("--reason", default="", type=_text, help="for the record")
    command.add_argument("file", type=Path, help="the archive to be written; nothing may be there yet")


def _import(command: argparse.ArgumentParser) -> None:
    _retention(_sealed(_with_bucket(_of_user(command))))
    command.add_argument("--reason", default="", type=_text, help="for the record")
    command.add_argument("--skip-existing", action="store_true", help="leave threads alone that are there already")
    command.add_argument("--any-size", action="store_true", help="trust it, however much more it holds than it has")
    command.add_argument("file", type=Path, help="the archive")


def _erase(command: argparse.ArgumentParser) -> None:
    _reasoned(_with_bucket(_of_user(command)))
    command.add_argument("--yes", action="store_true", help="do not ask for the user's id again")
    command.add_argument("--scan", action="store_true", help="look through the whole table for what nothing refers to")
    command.add_argument(
        "--settle", type=_seconds, default=0, metavar="SECONDS", help="how long running answers are kept out before"
    )


def _of_user(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--user", required=True, type=_text, help="the user's id within the tenant")
    return command


def _reasoned(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--reason", required=True, type=_text, help="why, for the record")
    return command


def _with_bucket(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--bucket", required=True, help="the bucket's name")
    return command


def _sealed(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--tenant-keys", metavar="ALIAS", help="as the stack's parameter TenantKeys, if it is set")
    return command


def _retention(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--retention-days", required=True, type=_days, help="as the stack's parameter; 0 is for ever")
    policies = ("last_activity", "created")
    command.add_argument("--retention-policy", choices=policies, default=policies[0], help="as the stack's parameter")
    return command


def _text(value: str) -> str:
    """Text that can be stored."""
    os.fsencode(value).decode()
    return value


def _days(value: str) -> int:
    if (days := int(value)) < 0:
        raise ValueError
    return days


def _seconds(value: str) -> float:
    if not 0 <= (seconds := float(value)) <= 24 * 60 * 60:
        raise ValueError
    return seconds

"""A child's watch over its parent, so that nothing outlives a parent that was killed. Only the standard library."""

import os
import signal
import threading
import time
from collections.abc import Mapping, MutableMapping

_VARIABLE = "LOCAL_CLOUD_PARENT"
_INTERVAL = 0.5
"""Seconds between two looks."""


def naming_me(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child that is to end with this process."""
    return {**environment, _VARIABLE: str(os.getpid())}


def end_with_parent(environment: MutableMapping[str, str]) -> None:
    """End this process, as SIGTERM does, when the parent that `environment` names is gone.

    The variable is removed: grandchildren have another parent.
    """
    parent = int(environment.pop(_VARIABLE, "0"))
    if parent:
        threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent").start()


def _watch(parent: int) -> None:
    # A process whose parent has ended is given another one; that works on every POSIX system.
    while os.getppid() == parent:
        time.sleep(_INTERVAL)
    os.kill(os.getpid(), signal.SIGTERM)

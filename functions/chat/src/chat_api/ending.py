"""Why a turn ends before its answer does."""

from dataclasses import dataclass
from typing import Literal

type Cause = Literal["stopped", "lost"]
"""`stopped`: the user wants no more of it. `lost`: another run has the thread."""


@dataclass(slots=True)
class Ending:
    """One turn's: who ends it says why, and who stores what there is of the answer asks."""

    cause: Cause | None = None

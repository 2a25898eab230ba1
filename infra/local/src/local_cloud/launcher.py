"""Starts MiniStack, mended, on sockets that it is given; runs in MiniStack's own environment.

python -m local_cloud.launcher FILE_DESCRIPTOR...
"""

import asyncio
import importlib
import os
import sys
from collections.abc import Sequence

from local_cloud import front, parent
from local_cloud.mends import MENDS

KEEP_ALIVE = 75
"""Seconds that an idle connection stays open, as in MiniStack's own start."""


def main(descriptors: Sequence[str]) -> None:
    """Serve until SIGINT or SIGTERM, or until the parent is gone; containers are stopped before it returns."""
    parent.end_with_parent(os.environ)
    # It led to this package only; functions must not inherit it.
    os.environ.pop("PYTHONPATH", None)
    for mend in MENDS:
        mend.apply()
    serve = importlib.import_module("hypercorn.asyncio").serve
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{descriptor}" for descriptor in descriptors]
    config.keep_alive_timeout = KEEP_ALIVE
    asyncio.run(serve(front.before(importlib.import_module("ministack.app").app), config))


if __name__ == "__main__":
    main(sys.argv[1:])

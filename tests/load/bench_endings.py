"""Turns that are stopped, cut off, killed and sent again at any moment: what must be left of each, and how soon.

The application runs in processes of its own, one for each turn, as on Lambda; emulators, the offline model and all
users are beside it. Ends with an error where a rule is broken.
"""
# ruff: noqa: T201 - its output is its purpose

import argparse
import asyncio
import os
import random
import sys
import time

from chat_testing import dynamodb_local
from chat_testing.benches import prepare
from chat_testing.endings.rules import Counts, Outcomes, tried
from chat_testing.endings.world import created


async def measure(seed: int, counts: Counts) -> Outcomes:
    """Try all rules so often."""
    with dynamodb_local.running() as dynamodb:
        async with created(dynamodb, seed) as world:
            return await tried(world, counts)


def main() -> None:
    """Measure and print."""
    prepare()
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    for name, count in (("stops", 200), ("cuts", 100), ("kills", 100), ("repeats", 25)):
        arguments.add_argument(f"--{name}", type=int, default=count)
    given = vars(arguments.parse_args())
    seed, began = given.pop("seed"), time.monotonic()
    print(f"\nendings of turns, --seed {seed}", flush=True)
    outcomes = asyncio.run(measure(seed, Counts(**given)))
    for title, outcome in outcomes.all.items():
        outcome.show(title)
    print(f"\n{time.monotonic() - began:.0f} s in all")
    if outcomes.faults:
        sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()

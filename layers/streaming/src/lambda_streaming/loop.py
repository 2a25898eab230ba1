"""The process's one event loop, in a thread of its own, so that connection pools outlive an invocation."""

import asyncio
import functools
import threading
from collections.abc import Coroutine


class LoopThread:
    """An event loop that runs as long as the process."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="lambda-streaming", daemon=True).start()

    def run[T](self, coroutine: Coroutine[object, object, T], timeout: float | None = None) -> T:
        """Run a coroutine on the loop, in a copy of the caller's context, and wait for it.

        `timeout` is in seconds; past it `TimeoutError` is raised and the coroutine goes on. Call it from any other
        thread; signals are handled while it waits.
        """
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)


@functools.cache
def process_loop() -> LoopThread:
    """The loop that every handler of this process shares; it starts on first use."""
    return LoopThread()

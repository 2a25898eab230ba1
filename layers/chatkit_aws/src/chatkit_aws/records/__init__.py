"""Typed records of a user, beside the threads: what an assistant keeps for somebody.

tasks = Records(store.kinds, "task", Task)
task = await tasks.add(Task(text="Call Bob"), context)
await tasks.change(task.id, lambda found: found.model_copy(update={"done": True}), context)
"""

from chatkit_aws.records.record import Record
from chatkit_aws.records.records import Records

__all__ = ["Record", "Records"]

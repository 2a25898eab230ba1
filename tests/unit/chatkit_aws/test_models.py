"""Items that were read can be written, also as the first thing that a process does."""

import subprocess
import sys

SCRIPT = """
from chatkit.types import Page
from chatkit_aws.store import codec
from chat_testing.builders import user_message, START

read = codec.load_item(codec.dump_item(user_message(), "thr_1"), "msg_1", "thr_1", START)
print(Page(data=[read]).model_dump_json())
"""


def test_page_of_items_is_written_in_a_process_that_has_done_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert '"id":"msg_1"' in done.stdout

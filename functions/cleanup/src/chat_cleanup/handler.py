"""The Lambda handler: the table's stream and the queue of jobs, a batch at a time."""

from chat_cleanup.bootstrap import create_consumer_from_environment

handler = create_consumer_from_environment()

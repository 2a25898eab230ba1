"""The times after which one gives up fit into each other: botocore's, the store's, the turn's."""

from typing import Any

from chat_api.runs.turn import MARGIN_SECONDS
from chatkit_aws.clients import lambda_config
from chatkit_aws.store.retries import Retries

CONFIG: Any = lambda_config()
"""botocore's Config has its options as attributes that it does not declare."""


def test_store_gives_up_before_a_turn_that_ends_itself_has_no_time_left() -> None:
    assert Retries().budget < MARGIN_SECONDS


def test_request_that_is_not_answered_is_sent_again_within_the_store_s_time() -> None:
    assert CONFIG.connect_timeout + CONFIG.read_timeout < Retries().budget
    assert CONFIG.retries["total_max_attempts"] > 1

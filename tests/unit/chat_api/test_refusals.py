"""What a model is told of a tool that could not do what it asked for, and what it is not told."""

import pytest
from agents import RunContextWrapper
from agents.exceptions import ModelBehaviorError
from chatkit.errors import CustomStreamError

from chat_api.assistant.refusals import explain
from chatkit_aws.errors import Held, RecordNotFound, RecordsFull, StoreUnavailable

RUN: RunContextWrapper[object] = RunContextWrapper(None)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ModelBehaviorError("a secret"), "characters"),
        (RecordNotFound("a secret"), "no task with this id"),
        (RecordsFull(500), "500 tasks"),
        (Held(), "legal hold"),
    ],
)
def test_model_is_told_what_it_can_put_right_or_say(error: Exception, word: str) -> None:
    told = explain(RUN, error)

    assert told.startswith("Nothing was done: ")
    assert word in told
    assert "secret" not in told


@pytest.mark.parametrize("error", [StoreUnavailable(), CustomStreamError("Interrupted"), RuntimeError("a secret")])
def test_anything_else_ends_the_answer(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        explain(RUN, error)

    assert raised.value is error

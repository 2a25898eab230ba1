"""What the user has said since the last answer, of what a thread has."""

import pytest
from chatkit.types import (
    ClientToolCallItem,
    HiddenContextItem,
    StructuredInputAnswer,
    StructuredInputFreeform,
    StructuredInputItem,
    ThreadItem,
    UserMessageTagContent,
    UserMessageTextContent,
)

from chat_api.server.memory.said import said_in, texts_of, unanswered
from chat_testing.builders import START, assistant_message, file_attachment, user_message, widget_item, workflow_item

PLACE = {"thread_id": "thr_1", "created_at": START}


def questions(*values: str) -> StructuredInputItem:
    answer = StructuredInputAnswer(values=list(values)) if values else None
    question = StructuredInputFreeform(id="title", question="Which?", answer=answer)
    return StructuredInputItem(id="si_1", inputs=[question], status="answered" if values else "pending", **PLACE)


def call(output: object = None) -> ClientToolCallItem:
    status = "pending" if output is None else "completed"
    given = {"call_id": "c", "name": "open", "arguments": {}, "output": output, "status": status}
    return ClientToolCallItem(id="tc_1", **given, **PLACE)


NOTE = HiddenContextItem(id="h_1", content="a note", **PLACE)


@pytest.mark.parametrize(
    ("items", "texts"),
    [
        ([], []),
        ([user_message("One")], ["One"]),
        ([user_message("One"), assistant_message(), user_message("Two")], ["Two"]),
        ([user_message("One"), NOTE, user_message("Two")], ["One", "Two"]),
        ([user_message("One"), questions(), user_message("Two")], ["One", "Two"]),
        ([user_message("One"), questions("Milk")], ["Milk"]),
        ([user_message("One"), questions("Milk"), user_message("Two")], ["Milk", "Two"]),
        ([user_message("One"), call()], ["One"]),
        ([user_message("One"), call({"seen": "é"})], ['{"seen": "é"}']),
        ([user_message("One"), widget_item(), workflow_item()], ["One"]),
        ([assistant_message()], []),
        ([user_message("")], []),
    ],
)
def test_texts_since_the_last_answer(items: list[ThreadItem], texts: list[str]) -> None:
    assert texts_of([*said_in(reversed(items))]) == texts


def test_all_parts_of_a_message_are_said() -> None:
    tag = UserMessageTagContent(id="t", text="Bob", data={})
    parts = [UserMessageTextContent(text="Call "), tag]
    message = user_message(content=parts, quoted_text="He said", attachments=[file_attachment()])
    assert texts_of([message]) == ["Call @Bob", "He said", file_attachment().name]


def test_questions_are_as_they_were_before_they_were_answered() -> None:
    assert unanswered(questions("Milk")) == questions()

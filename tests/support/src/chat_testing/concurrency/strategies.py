"""What several writers may do at once, and what may go wrong meanwhile; few names, so that they meet."""

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from chat_testing.boto_calls import Answer, broken, cancelled, error, lost
from chat_testing.concurrency.history import Operation
from chat_testing.concurrency.reading import LoadAttachment, LoadItem, LoadItems, LoadThread, LoadThreads
from chat_testing.concurrency.state import Place
from chat_testing.concurrency.things import LONG, PENDING
from chat_testing.concurrency.writing import (
    Add,
    DeleteAttachment,
    DeleteItem,
    DeleteThread,
    Rename,
    Save,
    SaveAttachment,
    SaveFeedback,
    SaveThread,
)

WRITERS = 3
threads = st.sampled_from(["t1", "t2", "t3"])
_seconds = st.integers(0, 2)
_words = st.sampled_from(["red", "blue", "green"])
_files = st.sampled_from(["a1", "a2"])
_limits, _orders = st.integers(1, 3), st.sampled_from(["asc", "desc"])
_kinds = st.sampled_from(["positive", "negative"])

_says = st.builds(Place, _seconds, _words)
_says_much = st.builds(Place, _seconds, st.just(LONG))
_asks = st.builds(Place, _seconds, st.just(PENDING))
_answers = st.builds(Place, _seconds, _words, settled=st.just(True))

type _Operations = SearchStrategy[Operation]


def _on_items(thread: str) -> _Operations:
    """Messages and a workflow, two of them mostly the same one; a long one goes into an object."""
    one, ids = st.just(thread), st.sampled_from(["m1", "m1", "m1", "m2", "w1"])
    return st.one_of(
        st.builds(Add, one, ids, _says),
        st.builds(Save, one, ids, _says | _says | _says_much),
        st.builds(DeleteItem, one, ids),
        st.builds(DeleteItem, one, ids),
        st.builds(SaveFeedback, one, ids, _kinds),
        st.builds(LoadItem, one, ids),
        st.builds(LoadItems, one, st.none() | ids, _limits, _orders),
    )


def _on_one_item(thread: str) -> _Operations:
    """It comes, changes its time and goes, so that a step of one meets what another has just done."""
    one, name = st.just(thread), st.just("m1")
    return st.one_of(
        st.builds(DeleteItem, one, name), st.builds(Add, one, name, _says), st.builds(Save, one, name, _says)
    )


def _on_questions(thread: str) -> _Operations:
    """A form and a client's tool, asked and answered."""
    one, ids = st.just(thread), st.sampled_from(["q1", "q1", "c1"])
    return st.one_of(
        st.builds(Add, one, ids, _asks),
        st.builds(Save, one, ids, _answers),
        st.builds(Save, one, ids, _answers | _asks),
        st.builds(DeleteItem, one, ids),
        st.builds(LoadItem, one, ids),
    )


def _on_the_thread(thread: str) -> _Operations:
    """Its titles and its end, with a message now and then; and the list of all threads."""
    one = st.just(thread)
    return st.one_of(
        st.builds(SaveThread, one, _seconds, _words),
        st.builds(Rename, one, _words),
        st.builds(DeleteThread, one),
        st.builds(Add, one, st.sampled_from(["m1", "m2"]), _says),
        st.builds(LoadThread, one),
        st.builds(LoadThreads, st.none() | threads, _limits, _orders),
        st.builds(LoadItems, one, st.none(), _limits, _orders),
    )


def _on_files(thread: str) -> _Operations:
    one = st.just(thread)
    return st.one_of(
        st.builds(SaveAttachment, _files, st.none(), _words),
        st.builds(SaveAttachment, _files, one, _words),
        st.builds(DeleteAttachment, _files),
        st.builds(LoadAttachment, _files),
        st.builds(LoadAttachment, _files),
    )


def _on_anything(thread: str) -> _Operations:
    return st.one_of([theme(thread) for theme in (_on_items, _on_questions, _on_the_thread, _on_files)])


_THEMES = (_on_one_item, _on_one_item, _on_items, _on_items, _on_questions, _on_the_thread, _on_files, _on_anything)


@st.composite
def programs(draw: st.DrawFn) -> list[list[Operation]]:
    """For each writer what it does in one thread, one thing after the other."""
    operations = draw(st.sampled_from(_THEMES))(draw(threads))
    lengths = draw(st.sampled_from([(1, 1), (1, 2), (2, 2), (1, 1, 1), (1, 1, 2), (1, 2, 2), (2, 2, 2), (3, 3)]))
    return [[draw(operations) for _ in range(length)] for length in lengths]


@st.composite
def beginnings(draw: st.DrawFn) -> list[Operation]:
    """A thread with something in it: what one writer does before the others come."""
    thread = draw(threads)
    return [
        SaveThread(thread, draw(_seconds), draw(_words)),
        Add(thread, "m1", draw(_says)),
        Add(thread, draw(st.sampled_from(["q1", "c1"])), draw(_asks)),
        SaveAttachment(draw(_files), draw(st.none() | st.just(thread)), draw(_words)),
    ]


choices = st.lists(st.integers(0, WRITERS - 1), max_size=40)
"""Whose turn it is, request by request."""


def conflict(request: AWSPreparedRequest) -> AWSResponse:
    """Another transaction holds one of the rows."""
    if "TransactWriteItems" in str(request.headers["X-Amz-Target"]):
        return cancelled("TransactionConflict", "None")(request)
    return error("InternalServerError", 500)(request)


FAULTS: list[Answer | None] = [
    *[None] * 8,
    lost,
    lost,
    conflict,
    error("InternalServerError", 500),
    error("ThrottlingException"),
    broken(ConnectionClosedError(endpoint_url="http://127.0.0.1")),
]
faults: SearchStrategy[list[Answer | None]] = st.just([]) | st.lists(st.sampled_from(FAULTS), max_size=30)
"""What happens to one request after the other instead of being sent; None is nothing."""

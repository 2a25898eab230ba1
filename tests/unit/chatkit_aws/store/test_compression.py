import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_testing.builders import assistant_message, user_message
from chatkit_aws.store import codec
from chatkit_aws.store.compression import pack, unpack

PROSE = "The answer to most questions is that it depends on what you want to do with it afterwards. " * 20


@given(st.binary(max_size=300))
def test_bytes_survive_a_round_trip(text: bytes) -> None:
    assert unpack(pack(text)) == text


@given(st.text(), st.sampled_from([user_message, assistant_message]))
def test_messages_survive_a_round_trip(text: str, build: type) -> None:
    dumped = codec.dump_item(build(text), "thr_1")
    assert unpack(pack(dumped)) == dumped


@pytest.mark.parametrize("build", [user_message, assistant_message])
def test_what_every_message_has_in_common_takes_no_room(build: type) -> None:
    assert pack(codec.dump_item(build("Hi"), "thr_1"))[1:] == b"Hi"


def test_prose_becomes_smaller() -> None:
    assert len(pack(PROSE.encode())) < len(PROSE) / 5


@given(st.binary(max_size=200))
def test_nothing_becomes_larger_by_more_than_a_byte(text: bytes) -> None:
    assert len(pack(text)) <= len(text) + 1


@pytest.mark.parametrize("foreign", [b"", b"\xff", b"\x2f", b"\x10\x00\x01", b"\x10"])
def test_bytes_that_were_not_packed_are_refused(foreign: bytes) -> None:
    with pytest.raises(ValueError, match="bytes"):
        unpack(foreign)


def test_numbers_of_frames_never_change() -> None:
    # Rows refer to them: what these bytes say today they must say for ever.
    assert unpack(b"\x00plain") == b"plain"
    assert unpack(b"\x01Hi").startswith(b'{"type":"assistant_message","content":[{"annotations":[],"text":"Hi"')
    assert unpack(b"\x02Hi").startswith(b'{"type":"user_message","content":[{"type":"input_text","text":"Hi"')

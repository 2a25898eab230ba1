import pytest

from chatkit_aws.errors import UnknownFormat
from chatkit_aws.store.bodies import PLAIN, Bodies
from chatkit_aws.store.cipher import Scope
from chatkit_aws.store.keys import Key

KEY, SCOPE = Key("p", "s"), Scope("tenant", "thread")


@pytest.mark.parametrize("text", [b"", b"{}", b"x" * 1_000_000], ids=["nothing", "short", "long"])
async def test_text_survives_a_round_trip(text: bytes) -> None:
    body = await Bodies().close(text, SCOPE, KEY)
    assert body[0] == PLAIN
    assert await Bodies().open(body, SCOPE, KEY) == text


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x63later", b"\x02sealed", b"\x01\xff"])
async def test_body_of_an_unknown_format_is_refused(body: bytes) -> None:
    with pytest.raises(UnknownFormat):
        await Bodies().open(body, SCOPE, KEY)

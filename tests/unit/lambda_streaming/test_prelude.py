import json

import pytest

from lambda_streaming.errors import PreludeTooLarge
from lambda_streaming.prelude import MAX_PRELUDE_BYTES, encode_prelude

FRAME = len(encode_prelude(200, [(b"x", b"")]))


def decode(prelude: bytes) -> object:
    assert prelude.endswith(bytes(8))
    return json.loads(prelude[:-8].decode("ascii"))


def test_names_are_lower_case_and_repeated_headers_joined() -> None:
    headers = [(b"Vary", b"Origin"), (b"X-One", b"1"), (b"VARY", b"Accept")]
    assert decode(encode_prelude(200, headers)) == {
        "statusCode": 200,
        "headers": {"vary": "Origin, Accept", "x-one": "1"},
    }


def test_every_cookie_is_kept_apart() -> None:
    headers = [(b"Set-Cookie", b"a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT"), (b"set-cookie", b"b=2")]
    assert decode(encode_prelude(200, headers)) == {
        "statusCode": 200,
        "headers": {},
        "cookies": ["a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "b=2"],
    }


@pytest.mark.parametrize("name", [b"Connection", b"Keep-Alive", b"Transfer-Encoding", b"Content-Length"])
def test_headers_of_the_connection_are_dropped(name: bytes) -> None:
    assert decode(encode_prelude(200, [(name, b"x")])) == {"statusCode": 200, "headers": {}}


def test_octets_and_nul_leave_the_prelude_ascii_without_nul() -> None:
    prelude = encode_prelude(200, [(b"x-name", b"caf\xe9\x00")])
    assert decode(prelude) == {"statusCode": 200, "headers": {"x-name": "caf\u00e9\x00"}}
    assert b"\x00" not in prelude[:-8]


def test_largest_prelude_passes() -> None:
    assert len(encode_prelude(200, [(b"x", b"y" * (MAX_PRELUDE_BYTES - FRAME))])) == MAX_PRELUDE_BYTES


def test_prelude_one_byte_too_large_is_an_error() -> None:
    with pytest.raises(PreludeTooLarge, match="16385 bytes, the limit is 16384"):
        encode_prelude(200, [(b"x", b"y" * (MAX_PRELUDE_BYTES - FRAME + 1))])

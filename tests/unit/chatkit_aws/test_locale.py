"""The answer's language is the supported one that the header wants most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit_aws.locale import negotiate

SUPPORTED = ("en", "de", "pt-BR")


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("pt-br", "pt-BR"),
        ("pt", "en"),
        ("fr, de;q=0.5", "de"),
        ("de;q=0.5, pt-BR;q=0.9", "pt-BR"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=0", "en"),
        ("*", "en"),
        ("fr, *;q=0.5, de;q=0.1", "en"),
        ("de;q=many", "en"),
        (" de ; q=0.8 , fr ", "de"),
        (",,;;=;q", "en"),
        ("x" * 100_000, "en"),
        ("fr," * 30 + "de", "en"),
    ],
)
def test_header_gives_the_locale(header: str | None, locale: str) -> None:
    assert negotiate(header, SUPPORTED, "en") == locale


@given(st.text())
def test_any_header_gives_a_supported_locale(header: str) -> None:
    assert negotiate(header, SUPPORTED, "en") in SUPPORTED

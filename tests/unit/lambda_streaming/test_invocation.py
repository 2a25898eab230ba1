import pytest

from lambda_streaming.invocation import trace_id_of

ROOT = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.parametrize(
    ("header", "trace_id"),
    [
        (f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1", ROOT),
        (f"Sampled=0; Root={ROOT}", ROOT),
        ("Parent=53995c3f42cd8ad8", None),
        ("", None),
    ],
)
def test_trace_id_is_the_root_of_the_header(header: str, trace_id: str | None) -> None:
    assert trace_id_of(header) == trace_id

import pytest
from chatkit.types import Page

from chatkit_aws.errors import InvalidOrder
from chatkit_aws.store.keys import Key
from chatkit_aws.store.paging import MAX_LIMIT, PageRequest, page_of
from chatkit_aws.store.rows import Row

ROWS = [Row(Key("p", f"THR#{name}")) for name in "abc"]


@pytest.mark.parametrize(("asked", "given"), [(-5, 1), (0, 1), (1, 1), (100, 100), (101, 100), (2**80, 100)])
def test_limit_is_brought_into_range(asked: int, given: int) -> None:
    assert PageRequest.of(None, asked, "asc").limit == given


@pytest.mark.parametrize("order", ["", "ASC", "up", "desc "])
def test_unknown_order_is_refused(order: str) -> None:
    with pytest.raises(InvalidOrder, match="asc or desc"):
        PageRequest.of(None, 20, order)


def test_orders_are_forward_and_backward() -> None:
    assert PageRequest.of(None, 20, "asc").forward
    assert not PageRequest.of(None, 20, "desc").forward


def test_one_more_than_the_page_is_read() -> None:
    assert PageRequest.of(None, MAX_LIMIT, "asc").look_ahead == MAX_LIMIT + 1


def test_page_names_its_last_element_where_more_follow() -> None:
    page = page_of(PageRequest.of(None, 2, "asc"), ROWS, ["one", "two"])
    assert (page.data, page.has_more, page.after) == (["one", "two"], True, "b")


def test_last_page_names_no_element() -> None:
    page = page_of(PageRequest.of(None, 3, "asc"), ROWS, ["one", "two", "three"])
    assert (len(page.data), page.has_more, page.after) == (3, False, None)


def test_page_of_nothing_is_empty() -> None:
    page: Page[str] = page_of(PageRequest.of(None, 3, "asc"), [], [])
    assert (page.data, page.has_more, page.after) == ([], False, None)


def test_page_whose_element_went_meanwhile_names_the_last_row() -> None:
    page = page_of(PageRequest.of(None, 2, "asc"), ROWS, ["one"])
    assert (page.data, page.has_more, page.after) == (["one"], True, "b")

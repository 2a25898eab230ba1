from dataclasses import replace

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


def page(rows: list[Row], limit: int) -> Page[str]:
    shown = PageRequest.of(None, limit, "asc").shown(rows)
    return page_of(rows, shown, [row.key.sk for row in shown])


def test_page_names_its_last_element_where_more_follow() -> None:
    found = page(ROWS, 2)
    assert (found.data, found.has_more, found.after) == (["THR#a", "THR#b"], True, "b")


def test_last_page_names_no_element() -> None:
    found = page(ROWS, 3)
    assert (len(found.data), found.has_more, found.after) == (3, False, None)


def test_page_of_nothing_is_empty() -> None:
    found = page([], 3)
    assert (found.data, found.has_more, found.after) == ([], False, None)


def test_page_whose_element_went_meanwhile_names_the_last_row() -> None:
    found = page_of(ROWS, ROWS[:2], ["one"])
    assert (found.data, found.has_more, found.after) == (["one"], True, "b")


@pytest.mark.parametrize(("sizes", "count"), [([5, 5, 5], 3), ([10, 10, 10], 2), ([10, 11, 1], 1), ([30, 1, 1], 1)])
def test_page_of_large_elements_ends_early_and_is_never_empty(sizes: list[int], count: int) -> None:
    rows = [replace(row, size=megabytes * 1_000_000) for row, megabytes in zip(ROWS, sizes, strict=True)]
    found = page(rows, 3)
    assert (len(found.data), found.has_more) == (count, count < 3)

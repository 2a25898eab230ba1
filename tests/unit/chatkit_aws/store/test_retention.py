from hypothesis import given
from hypothesis import strategies as st

from chatkit_aws.store.retention import DAY, LONGEST_DAYS, Policy, Retention

times = st.floats(0, 4e9)
days = st.integers(1, 36_500)
policies: st.SearchStrategy[Policy] = st.sampled_from(["last_activity", "created"])


@given(times, times)
def test_without_days_nothing_expires(now: float, created_at: float) -> None:
    assert Retention().of_thread(now, created_at) is None
    assert Retention().of_item(now) is None
    assert not Retention().rolls


@given(times, times, days)
def test_by_activity_a_thread_stays_for_its_days_and_a_part_of_one(now: float, created_at: float, kept: int) -> None:
    expires_at = Retention(kept).of_thread(now, created_at)
    assert expires_at is not None
    assert expires_at % DAY == 0
    assert 0 <= expires_at - (now + kept * DAY) < DAY + 1


@given(times, times, days)
def test_by_creation_a_thread_stays_for_its_days_whatever_is_written(now: float, created_at: float, kept: int) -> None:
    retention = Retention(kept, "created")
    expires_at = retention.of_thread(0, created_at)
    assert expires_at is not None
    assert retention.of_thread(now, created_at) == max(expires_at, now // DAY * DAY)
    assert not retention.rolls


@given(times, st.floats(0, 1e9), days, policies)
def test_item_expires_after_its_thread_or_after_ten_years(now: float, age: float, kept: int, policy: Policy) -> None:
    retention = Retention(kept, policy)
    thread, item = retention.of_thread(now, now - age), retention.of_item(now)
    assert thread is not None
    assert item is not None
    assert item > thread
    assert item >= now + LONGEST_DAYS * DAY


@given(times, days.filter(lambda kept: kept <= LONGEST_DAYS), days, policies, policies)
def test_item_outlives_its_thread_also_where_the_parameters_change(
    now: float, kept: int, later: int, policy: Policy, changed: Policy
) -> None:
    item = Retention(later, changed).of_item(now)
    thread = Retention(kept, policy).of_thread(now, now)
    assert thread is not None
    assert item is not None
    assert item > thread


@given(times, st.floats(0, 1e9), days)
def test_thread_of_long_ago_expires_today_so_that_dynamodb_removes_it(now: float, age: float, kept: int) -> None:
    thread = Retention(kept, "created").of_thread(now, now - age)
    assert thread is not None
    assert now - DAY < thread

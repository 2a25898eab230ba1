import pytest

from chatkit_aws.errors import StoreRefused, StoreUnavailable
from chatkit_aws.store.retries import Contended, Retries

QUICK = Retries(attempts=4, first_wait=0.0001, longest_wait=0.001)


class Attempts:
    """Raises the errors in turn, then answers with their number."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.made = 0

    async def __call__(self) -> int:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.made


async def test_collision_is_tried_again() -> None:
    assert await QUICK.run(Attempts(Contended(), Contended(), Contended())) == 4


async def test_lasting_collision_makes_the_store_unavailable() -> None:
    attempts = Attempts(*[Contended() for _ in range(9)])
    with pytest.raises(StoreUnavailable):
        await QUICK.run(attempts)
    assert attempts.made == QUICK.attempts


@pytest.mark.parametrize("error", [StoreUnavailable(), StoreRefused(), KeyError()])
async def test_other_errors_are_not_tried_again(error: Exception) -> None:
    attempts = Attempts(error)
    with pytest.raises(type(error)):
        await QUICK.run(attempts)
    assert attempts.made == 1

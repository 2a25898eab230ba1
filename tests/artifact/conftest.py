"""The folders that `sam build` made."""

import pytest

from chat_testing.artifacts import Artifacts, built_artifacts


@pytest.fixture(scope="session")
def artifacts() -> Artifacts:
    """What would be deployed; fails where nothing was built."""
    return built_artifacts()

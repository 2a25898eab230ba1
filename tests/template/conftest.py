"""The template, as written and as CloudFormation gets it."""

import pytest

from chat_testing.deployment import Document, Stack, load_template, transformed


@pytest.fixture
def template() -> Document:
    """The template as written; a copy that a test may change."""
    return load_template()


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The template after SAM's transform; not to be changed."""
    return transformed(load_template())

"""Servers that tests share: one of each for a whole worker's run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.services import Service, postgres_server, redis_server


@pytest.fixture(scope="session")
def redis() -> Iterator[Service]:
    """A real Redis. A test that stops it starts it again."""
    with redis_server() as service:
        yield service


@pytest.fixture(scope="session")
def postgres() -> Iterator[Service]:
    """A real PostgreSQL."""
    with postgres_server() as service:
        yield service

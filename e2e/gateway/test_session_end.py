"""A session that the page is done with is over at the gateway too, closed by a call or by the page's own end."""

from __future__ import annotations

import secrets
import sqlite3
import time
from contextlib import closing

from e2e.gateway.conftest import opened
from e2e.kit.deployment import Deployment
from e2e.kit.lab import Lab
from pysandbox.gateway.auth.principal import OPEN_SESSIONS
from pysandbox.testing.browsers import Page

PATIENCE_S = 20.0


def sessions_of(deployment: Deployment, subject: str) -> int:
    """How many sessions of a user the gateway holds."""
    with closing(sqlite3.connect(deployment.server.settings.data_dir / "gateway.db")) as database:
        return database.execute("SELECT count(*) FROM sessions WHERE subject = ?", (subject,)).fetchone()[0]


def wait_for_none(deployment: Deployment, subject: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while sessions_of(deployment, subject) and time.monotonic() < end:
        time.sleep(0.05)
    assert sessions_of(deployment, subject) == 0


def lab_of(page: Page, deployment: Deployment, subject: str) -> Lab:
    deployment.token = deployment.server.token(OPEN_SESSIONS, subject=subject)
    lab = opened(page, deployment)
    assert sessions_of(deployment, subject) == 1
    return lab


def test_close_is_done_once_the_gateway_knows(page: Page, deployment: Deployment) -> None:
    user = f"closes-{secrets.token_hex(4)}"
    lab_of(page, deployment, user).close()
    assert sessions_of(deployment, user) == 0


def test_a_page_that_is_left_ends_its_session(page: Page, deployment: Deployment) -> None:
    user = f"leaves-{secrets.token_hex(4)}"
    lab_of(page, deployment, user)
    page.goto(f"{deployment.sandbox_origin}/pysandbox.d.ts")
    wait_for_none(deployment, user)

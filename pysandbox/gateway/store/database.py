"""One database, opened by its URL: ``sqlite:///FILE`` or ``postgresql://…``.

    database = Database.open("sqlite:///.pysandbox/gateway.db")
    await database.migrate()
    async with database.begin() as connection: ...
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
import sqlalchemy.event as sa_event
import sqlalchemy.exc as sa_exc
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from pysandbox.core.errors import Code, SandboxError

_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_BUSY_MS: Final = 5000
_CONNECT_S: Final = 5
_POOL: Final = 10
MIGRATIONS: Final = Path(__file__).parent / "migrations"


class Database:
    """Connections to the one database of this gateway. Errors of the database leave as ``STATE_UNAVAILABLE``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Nothing is connected yet. Raises `SandboxError` ``INPUT_INVALID`` for a URL that names no known database."""
        scheme, _, rest = url.partition("://")
        if scheme not in _DRIVERS or not rest:
            raise SandboxError(
                Code.INPUT_INVALID, "the database's URL begins with sqlite:/// or postgresql://")
        if scheme == "sqlite":
            Path(rest[1:]).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(_engine(f"{_DRIVERS[scheme]}://{rest}"))

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write to it: other replicas of this gateway."""
        return self._engine.dialect.name != "sqlite"

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction: committed at the end, rolled back for an exception.

        Raises `SandboxError` ``STATE_UNAVAILABLE`` where the database cannot be reached, and ``INPUT_INVALID`` for text
        that PostgreSQL does not keep: with a NUL in it, or longer than its column.
        """
        try:
            async with self._engine.begin() as connection:
                yield connection
        except sa_exc.DataError as error:
            raise SandboxError(Code.INPUT_INVALID, "a name is too long, or has a character that is none") from error
        except (sa_exc.OperationalError, sa_exc.InterfaceError, sa_exc.TimeoutError, OSError) as error:
            raise SandboxError(
                Code.STATE_UNAVAILABLE, f"the gateway's database does not answer ({type(error).__name__})") from error

    async def migrate(self) -> None:
        """Bring the tables up to date. Two replicas that do so at once wait for each other."""
        async with self.begin() as connection:
            if self.is_shared:
                await connection.execute(sa.text("SELECT pg_advisory_xact_lock(728104)"))
            await connection.run_sync(_upgrade)

    async def close(self) -> None:
        """Give every connection back."""
        await self._engine.dispose()


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _engine(url: str) -> AsyncEngine:
    if url.startswith("sqlite"):
        engine = create_async_engine(url, connect_args={"timeout": _BUSY_MS / 1000})
        sa_event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        return engine
    try:
        return create_async_engine(
            url, pool_size=_POOL, max_overflow=0, pool_timeout=_CONNECT_S, pool_pre_ping=True,
            connect_args={"connect_timeout": _CONNECT_S})
    except ModuleNotFoundError as error:
        raise SandboxError(
            Code.INPUT_INVALID, "PostgreSQL needs a driver: pip install 'pysandbox[postgres]'") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")  # readers do not wait for a writer
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()

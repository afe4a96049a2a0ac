"""A PostgreSQL server for a test session, and a fresh database with Perdure's tables for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import pytest

from perdure.store.postgres import PostgresStore
from perdure.testing.pgbouncer import POOL_SIZE, PgBouncer, find_pgbouncer
from perdure.testing.postgres import ExternalServer, PostgresServer, provide


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[ExternalServer]:
    """The server that PERDURE_TEST_POSTGRES names, or one of our own; started when it is first needed."""
    with provide() as server:
        yield server


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that a test may kill."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_database(postgres_server: ExternalServer) -> Iterator[str]:
    name = postgres_server.create_database()
    PostgresStore(postgres_server.url(name)).close()
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def postgres_url(postgres_server: ExternalServer, postgres_database: str) -> Iterator[str]:
    """The URL of a database with empty tables, which is this test's alone.

    One database for all tests, emptied behind each: making one takes a third of a second, deleting the rows
    of a test some milliseconds.
    """
    yield postgres_server.url(postgres_database)
    with psycopg.connect(postgres_server.url(postgres_database), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'perdure'::regnamespace AND relkind = 'r'"
        ).fetchall()
        connection.execute("; ".join(f"DELETE FROM perdure.{table}" for (table,) in tables))


@pytest.fixture
def empty_postgres_url(postgres_server: ExternalServer) -> Iterator[str]:
    """The URL of a new database without tables."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def pgbouncer(postgres_server: ExternalServer) -> Iterator[PgBouncer]:
    if find_pgbouncer() is None:
        pytest.skip("pgbouncer is not installed (Debian's package pgbouncer)")
    with PgBouncer(postgres_server.url()) as pooler:
        yield pooler


@pytest.fixture
def pooled_url(pgbouncer: PgBouncer, postgres_url: str) -> str:
    """The same database as postgres_url, through a pooler in transaction mode.

    Behind the last test the server's sessions were ended; the pooler finds out when it hands one to somebody.
    """
    url = pgbouncer.url(postgres_url.rpartition("/")[2])
    for _ in range(2 * POOL_SIZE):
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(url.partition("?")[0], autocommit=True) as connection,
        ):
            connection.execute("SELECT 1", prepare=False)
    return url

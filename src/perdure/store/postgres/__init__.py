"""The store on PostgreSQL."""

from perdure.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]

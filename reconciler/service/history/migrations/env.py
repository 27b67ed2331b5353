"""Alembic looks for this file; the connection comes from `schema.migrate`."""

"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "cycles",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("app", sa.String(255), nullable=False),
        sa.Column("tenant_url", sa.Text, nullable=False),
        sa.Column("trigger", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("exit_code", sa.Integer),
        sa.Column("commit", sa.String(64)),
        sa.Column("config_digest", sa.String(80), nullable=False),
        sa.Column("desired_digest", sa.String(80), nullable=False),
        sa.Column("plan_digest", sa.String(80), nullable=False),
        sa.Column("changes_digest", sa.String(80), nullable=False),
        sa.Column("tool_version", sa.String(64), nullable=False),
        sa.Column("counts", sa.Text),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("trouble", sa.Text),
        sa.Column("held_digest", sa.String(80)),
        sa.Column("journal", sa.Text),
    )
    op.create_index("cycles_of_app", "cycles", ["app", "started_at"])
    op.create_index("cycles_by_time", "cycles", ["started_at"])
    op.create_index("cycles_by_status", "cycles", ["app", "status"])
    op.create_table(
        "entries",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("cycle", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("app", sa.String(255), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("id", sa.Text),
        sa.Column("group", sa.Text),
        sa.Column("origin", sa.String(16)),
        sa.Column("modified", sa.Text),
        sa.Column("steps", sa.Text),
        sa.Column("trouble", sa.Text),
        sa.Column("commit", sa.String(64)),
        sa.Column("verified", sa.Boolean, nullable=False),
    )
    op.create_index("entries_of_key", "entries", ["key", "number"])
    op.create_index("entries_of_group", "entries", ["group", "number"])
    op.create_index("entries_of_app", "entries", ["app", "number"])
    op.create_index("entries_of_cycle", "entries", ["cycle"])
    op.create_index("entries_by_time", "entries", ["at"])
    op.create_index("entries_by_status", "entries", ["status", "number"])
    op.create_table(
        "subjects",
        sa.Column("app", sa.String(255), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
    )
    op.create_table(
        "quarantines",
        sa.Column("app", sa.String(255), primary_key=True),
        sa.Column("began", _MOMENT, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt", _MOMENT),
        sa.Column("desired_digest", sa.String(80), nullable=False),
    )
    op.create_table(
        "backoffs",
        sa.Column("app", sa.String(255), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("first_failed", _MOMENT, nullable=False),
        sa.Column("next_attempt", _MOMENT, nullable=False),
        sa.Column("removal", sa.Boolean, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("content", sa.String(80), nullable=False),
    )
    op.create_table(
        "held",
        sa.Column("app", sa.String(255), primary_key=True),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("approved_by", sa.Text),
        sa.Column("approved_at", _MOMENT),
    )
    op.create_table(
        "notices",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("app", sa.String(255), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("notices_of_app", "notices", ["app", "number"])

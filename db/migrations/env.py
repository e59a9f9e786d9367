"""Run by Alembic for every command. The connection is handed in by db.migrate, which owns it."""

from __future__ import annotations

from alembic import context

import db.models  # noqa: F401 - fills the metadata
from db.base import Base
from db.migrate import render_type, same_type

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite can hardly alter tables: copy them into new ones instead.
    render_as_batch=True,
    compare_type=same_type,
    render_item=render_type,
)
with context.begin_transaction():
    context.run_migrations()

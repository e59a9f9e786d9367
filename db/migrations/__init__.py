"""Alembic's scripts; run through db.migrate, also from an installed package."""

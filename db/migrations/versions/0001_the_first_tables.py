"""The first tables

Revision: 0001
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
BLOB = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TABLES = (
    "users",
    "exams",
    "exam_staff",
    "attempts",
    "enrolments",
    "clock_entries",
    "consents",
    "event_sequences",
    "events",
    "incidents",
    "interventions",
    "client_signals",
    "looks",
    "segments",
    "recording_gaps",
    "evidence_objects",
)
"""In the order they are made: what is referred to comes first."""


def upgrade() -> None:
    _create_people_and_exams()
    _create_attempts()
    _create_record()
    _create_media()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_people_and_exams() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(24), nullable=False),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("disabled_at", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        **OPTIONS,
    )
    op.create_table(
        "exams",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("opens_at", sa.Double()),
        sa.Column("closes_at", sa.Double()),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("content", LONG_TEXT, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_exams_owner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_exams"),
        sa.UniqueConstraint("code", name="uq_exams_code"),
        **OPTIONS,
    )
    op.create_index("ix_exams_owner_id", "exams", ["owner_id"])
    op.create_table(
        "exam_staff",
        sa.Column("exam_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("role", sa.String(24), nullable=False),
        sa.ForeignKeyConstraint(["exam_id"], ["exams.id"], name="fk_exam_staff_exam_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_exam_staff_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("exam_id", "user_id", name="pk_exam_staff"),
        **OPTIONS,
    )
    op.create_index("ix_exam_staff_user_id", "exam_staff", ["user_id"])


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("exam_id", sa.String(64), nullable=False),
        sa.Column("student_id", sa.String(64), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("accommodations", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["exam_id"], ["exams.id"], name="fk_attempts_exam_id"),
        sa.ForeignKeyConstraint(["student_id"], ["users.id"], name="fk_attempts_student_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.UniqueConstraint("exam_id", "seat", name="uq_attempts_exam_id_seat"),
        sa.UniqueConstraint("exam_id", "student_id", name="uq_attempts_exam_id_student_id"),
        **OPTIONS,
    )
    op.create_index("ix_attempts_student_id", "attempts", ["student_id"])
    op.create_table(
        "enrolments",
        sa.Column("attempt_id", sa.String(64), nullable=False),
        sa.Column("face", BLOB),
        sa.Column("face_engine", sa.String(64)),
        sa.Column("picture_key", sa.String(255)),
        sa.Column("voice", BLOB),
        sa.Column("voice_engine", sa.String(64)),
        sa.Column("calibration", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name="fk_enrolments_attempt_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_enrolments"),
        **OPTIONS,
    )
    op.create_table(
        "clock_entries",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("attempt_id", sa.String(64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(64)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name="fk_clock_entries_attempt_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_clock_entries"),
        **OPTIONS,
    )
    op.create_index("ix_clock_entries_attempt_id", "clock_entries", ["attempt_id"])
    op.create_table(
        "consents",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("attempt_id", sa.String(64), nullable=False),
        sa.Column("text_version", sa.String(64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name="fk_consents_attempt_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        **OPTIONS,
    )
    op.create_index("ix_consents_attempt_id", "consents", ["attempt_id"])


def _create_record() -> None:
    op.create_table(
        "event_sequences",
        sa.Column("exam_id", sa.String(64), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exam_id", name="pk_event_sequences"),
        **OPTIONS,
    )
    op.create_table(
        "events",
        sa.Column("exam_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempt_id", sa.String(64)),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(64)),
        sa.PrimaryKeyConstraint("exam_id", "seq", name="pk_events"),
        **OPTIONS,
    )
    op.create_index("ix_events_attempt_id_seq", "events", ["attempt_id", "seq"])
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("attempt_id", sa.String(64), nullable=False),
        sa.Column("exam_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("severity", sa.String(24), nullable=False),
        sa.Column("category", sa.String(24), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.String(255)),
        sa.Column("announced", sa.Boolean(), nullable=False),
        sa.Column("attributes", sa.JSON()),
        sa.Column("verdict", sa.String(24)),
        sa.Column("verdict_by", sa.String(64)),
        sa.Column("verdict_at", sa.Double()),
        sa.Column("verdict_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name="fk_incidents_attempt_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["exam_id"], ["exams.id"], name="fk_incidents_exam_id"),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
        **OPTIONS,
    )
    op.create_index("ix_incidents_attempt_id_started_at", "incidents", ["attempt_id", "started_at"])
    op.create_index("ix_incidents_exam_id_started_at", "incidents", ["exam_id", "started_at"])
    op.create_table(
        "interventions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("attempt_id", sa.String(64), nullable=False),
        sa.Column("exam_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", sa.Double()),
        sa.Column("undone_at", sa.Double()),
        sa.Column("undone_by", sa.String(64)),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name="fk_interventions_attempt_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["exam_id"], ["exams.id"], name="fk_interventions_exam_id"),
        sa.PrimaryKeyConstraint("id", name="pk_interventions"),
        **OPTIONS,
    )
    op.create_index("ix_interventions_attempt_id_at", "interventions", ["attempt_id", "at"])
    op.create_index("ix_interventions_exam_id_at", "interventions", ["exam_id", "at"])
    op.create_table(
        "client_signals",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("attempt_id", sa.String(64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name="fk_client_signals_attempt_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_client_signals"),
        **OPTIONS,
    )
    op.create_index("ix_client_signals_attempt_id_at", "client_signals", ["attempt_id", "at"])
    op.create_table(
        "looks",
        sa.Column("attempt_id", sa.String(64), nullable=False),
        sa.Column("proctor_id", sa.String(64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name="fk_looks_attempt_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["proctor_id"], ["users.id"], name="fk_looks_proctor_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("attempt_id", "proctor_id", name="pk_looks"),
        **OPTIONS,
    )


def _create_media() -> None:
    op.create_table(
        "segments",
        sa.Column("attempt_id", sa.String(64), nullable=False),
        sa.Column("track", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.Column("codec", sa.String(32), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("thumbnail_key", sa.String(255)),
        sa.Column("gap_before_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name="fk_segments_attempt_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("attempt_id", "track", "number", name="pk_segments"),
        **OPTIONS,
    )
    op.create_table(
        "recording_gaps",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("attempt_id", sa.String(64), nullable=False),
        sa.Column("track", sa.String(16), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name="fk_recording_gaps_attempt_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_recording_gaps"),
        **OPTIONS,
    )
    op.create_index("ix_recording_gaps_attempt_id", "recording_gaps", ["attempt_id"])
    op.create_table(
        "evidence_objects",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("attempt_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name="fk_evidence_objects_attempt_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_evidence_objects"),
        **OPTIONS,
    )
    op.create_index("ix_evidence_objects_attempt_id", "evidence_objects", ["attempt_id"])

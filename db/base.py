"""What every table shares: names of constraints, column types, ids.

Times are UNIX seconds as double precision: the same clock the rest of the house uses, exact to well
under a microsecond on every database, and free of time zones.
"""

from __future__ import annotations

import secrets
import uuid
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import BigInteger, Double, Integer, LargeBinary, MetaData, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

E = TypeVar("E", bound=StrEnum)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Constraints need names that are the same everywhere, or migrations cannot drop them."""

TABLE_OPTIONS = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    # Compare text byte by byte, as SQLite does; the usual collations take "A" and "ä" for "a".
    "mysql_collate": "utf8mb4_bin",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    __table_args__: Any = TABLE_OPTIONS


ID_LENGTH = 64
"""Ours are 32 characters; room for ids that other systems hand us."""

Id = String(ID_LENGTH)
Epoch: Double[float] = Double()
"""UNIX seconds."""
RowNumber = BigInteger().with_variant(Integer(), "sqlite")
"""An automatic key: SQLite only numbers plain INTEGER keys by itself."""
LongText = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
Blob = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


class Word(TypeDecorator[E], Generic[E]):
    """A StrEnum stored as its value, so that a new member needs no migration."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[E], length: int = 24) -> None:
        super().__init__(length)
        self.words = words
        self.length = length

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        return None if value is None else self.words(value)


def new_id() -> str:
    return uuid.uuid4().hex


_CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Nothing that is mistaken for something else when read aloud or typed."""


def new_code() -> str:
    """A public exam code, such as K7Q-M2P-9TX."""
    return "-".join("".join(secrets.choice(_CODE_LETTERS) for _ in range(3)) for _ in range(3))

"""A log line says what happened and carries its facts, for people or as JSON."""

import json
import logging

from config.logging import JsonFormatter, LineFormatter


def record(**facts: object) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "media", "levelname": "INFO", "msg": "student joined"})
    vars(record).update(facts)
    return record


def test_facts_follow_the_message() -> None:
    assert LineFormatter().format(record(attempt="a1")).endswith("media: student joined  attempt=a1")


def test_json_keeps_facts_as_fields() -> None:
    line = json.loads(JsonFormatter().format(record(attempt="a1", kbps=512.5)))
    assert (line["message"], line["attempt"], line["kbps"]) == ("student joined", "a1", 512.5)

"""The command line: what keeps it from starting is a sentence and exit code 2; it ends with its children."""

from __future__ import annotations

import datetime
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulation.clips import obtainable
from web.__main__ import main

START_S = 90


def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `invigil …` says before it gives up."""
    monkeypatch.setattr(sys, "argv", ["invigil", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("invigil: ")
    assert said.count("\n") == 1, f"more than a sentence: {said}"
    return said


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INVIGIL_DATA_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


def test_a_busy_port(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = say(monkeypatch, capsys, "serve", "--port", port)
    assert port in said
    assert "--port" in said


def test_plain_http_off_loopback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = say(monkeypatch, capsys, "serve", "--host", "0.0.0.0")
    assert "https" in said
    assert "--tls-cert" in said


def test_a_certificate_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = str(tmp_path / "none.pem")
    assert missing in say(monkeypatch, capsys, "serve", "--tls-cert", missing, "--tls-key", missing)


def test_a_certificate_that_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "note.pem"
    file.write_text("dear diary")
    assert "PEM" in say(monkeypatch, capsys, "serve", "--tls-cert", str(file), "--tls-key", str(file))


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("INVIGIL_RECORDING__MIN_FREE_MB", "1000000000")
    assert "make room" in say(monkeypatch, capsys, "serve", "--port", "0")


def test_a_setting_that_makes_no_sense(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INVIGIL_WEB__PORT", "seventy")
    assert "web.port" in say(monkeypatch, capsys, "serve")


def test_a_file_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nowhere.webm" in say(monkeypatch, capsys, "analyze", "nowhere.webm")


def test_the_demo_stays_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INVIGIL_WEB__HOST", "0.0.0.0")
    monkeypatch.setenv("INVIGIL_WEB__BEHIND_PROXY", "true")
    assert "invigil serve" in say(monkeypatch, capsys, "demo", "--port", "0")


def test_help_names_every_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["invigil", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for command in ("serve", "demo", "simulate", "analyze", "bench", "models", "fetch-media"):
        assert command in said


@contextmanager
def running(*arguments: str, until: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`invigil …` in a process of its own, once it has printed `until`, with what it printed so far.
    Afterwards it must have ended with every process it started."""
    process = subprocess.Popen(
        [sys.executable, "-m", "web", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )
    try:
        printed = ""
        assert process.stdout is not None
        for line in process.stdout:
            printed += line
            if re.search(until, printed):
                break
        else:
            pytest.fail(f"it ended: {printed}")
        children = psutil.Process(process.pid).children(recursive=True)
        assert children, "no workers?"
        yield process, printed
        rest, _ = process.communicate(timeout=40)
        assert process.returncode == 0, printed + rest
        _, alive = psutil.wait_procs(children, timeout=5)
        assert not alive
        assert "Traceback" not in printed + rest
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def certificate(directory: Path) -> tuple[Path, Path]:
    """Self-signed, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = directory / "cert.pem", directory / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return cert_file, key_file


@pytest.mark.media
def test_serve_over_tls_until_sigterm(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    arguments = (
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--tls-cert",
        str(cert),
        "--tls-key",
        str(key),
    )
    with running(*arguments, until=r"serving .*url=\S+") as (process, printed):
        found = re.search(r"url=https://localhost:(\d+)", printed)
        assert found is not None, printed
        trusting = ssl.create_default_context(cafile=str(cert))
        url = f"https://127.0.0.1:{found[1]}"
        with urllib.request.urlopen(f"{url}/ready", context=trusting, timeout=START_S) as answer:
            assert json.load(answer) == {"status": "ready", "missing": []}
        with urllib.request.urlopen(f"{url}/login", context=trusting, timeout=START_S) as answer:
            assert "Secure" in answer.headers["Set-Cookie"]
            assert answer.headers["Strict-Transport-Security"]
        process.send_signal(signal.SIGTERM)


@pytest.mark.media
@pytest.mark.skipif(not obtainable(), reason="no pictures for simulated students here")
def test_the_demo_prints_links_that_work_and_ends_with_ctrl_c() -> None:
    with running("demo", "--port", "0", "--students", "1", until=r"Administrator +http\S+\n") as (
        process,
        said,
    ):
        links = dict(
            re.findall(r"^(Proctor|Student \(you\)|Professor|Administrator) +(http\S+)$", said, re.M)
        )
        assert len(links) == 4
        pages = {who: _landed(link) for who, link in links.items()}
        assert pages["Proctor"].endswith("/wall")
        assert pages["Student (you)"].endswith("/session")
        assert pages["Professor"].endswith("/")
        process.send_signal(signal.SIGINT)


def _landed(link: str) -> str:
    """Where a browser ends up that opens this link."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(link, timeout=START_S) as answer:
        assert answer.status == 200
        return str(answer.url)

"""Settings come from where they should, and what is wrong is said in one sentence."""

import stat
from pathlib import Path

import pytest

from config.settings import load
from core.errors import BadSettings


def test_defaults_listen_on_loopback_with_sqlite() -> None:
    settings = load()
    assert settings.on_loopback
    assert settings.base_url == "http://localhost:8080"
    assert settings.database.startswith("sqlite+aiosqlite:///")


def test_environment_beats_file_and_arguments_beat_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "invigil.toml"
    file.write_text('log_level = "debug"\n[media]\nprocesses = 3\n[web]\nport = 1000\n')
    monkeypatch.setenv("INVIGIL_CONFIG", str(file))
    assert load().media.processes == 3
    monkeypatch.setenv("INVIGIL_MEDIA__PROCESSES", "2")
    assert load().media.processes == 2
    assert load(web={"port": 9}).web.port == 9


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"web": {"host": "0.0.0.0"}}, "browsers give camera and microphone to https pages only"),
        ({"web": {"tls_cert": "a.pem"}}, "both web.tls_cert and web.tls_key"),
        ({"web": {"prt": 1}}, "web.prt"),
        ({"media": {"processes": 0}}, "media.processes"),
        ({"analysis": {"objects": "magic"}}, "analysis.objects"),
        ({"analysis": {"identity": "deepface:"}}, "analysis.identity"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(overrides: dict[str, object], words: str) -> None:
    with pytest.raises(BadSettings, match=words.replace(".", r"\.")) as caught:
        load(**overrides)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("web", [{"behind_proxy": True}, {"tls_cert": "a.pem", "tls_key": "b.pem"}])
def test_a_public_address_is_fine_with_tls(web: dict[str, object]) -> None:
    assert not load(web={"host": "0.0.0.0", **web}).on_loopback


def test_a_named_file_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVIGIL_CONFIG", "/nowhere/invigil.toml")
    with pytest.raises(BadSettings, match="not a file"):
        load()


def test_the_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path)
    key = settings.signing_key()
    assert len(key) > 40
    assert settings.signing_key() == key
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert load(data_dir=tmp_path, secret_key="given").signing_key() == "given"

"""Every setting, its default and its bounds. Loaded once, by the composition root.

Order: arguments > `INVIGIL_*` environment > the TOML file named by `INVIGIL_CONFIG` > these defaults.
Nested ones: `INVIGIL_MEDIA__PROCESSES=2`. An unknown or impossible value stops the start with one
sentence.
"""

from __future__ import annotations

import os
import secrets
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from core.errors import BadSettings


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WebSettings(Section):
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    public_url: str = ""
    """How browsers reach us; empty: http(s)://host:port."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    """A reverse proxy in front ends TLS."""


class MediaSettings(Section):
    processes: int = Field(1, ge=1, le=64)
    public_address: str = ""
    """Put into our ICE candidates in place of the local address (1:1 NAT)."""
    bind_address: str = ""
    """Gather candidates on this IP address only; empty: all (loopback where there is nothing else)."""
    ice_servers: list[dict[str, str | list[str]]] = []
    """Given to browsers only; the server itself never asks a STUN server."""

    @field_validator("public_address", "bind_address")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value:
            ip_address(value)
        return value


class AnalysisSettings(Section):
    processes: int = Field(1, ge=1, le=64)
    models_dir: Path | None = None
    """Where the operator keeps upstream weights."""
    faces: Literal["blazeface", "centerface", "yunet"] = "blazeface"
    landmarks: Literal["facemesh", "dlib68"] = "facemesh"
    objects: Literal["ssdlite", "yolox", "ultralytics"] = "ssdlite"
    identity: str = Field("dlib", pattern=r"^(dlib|deepface:[A-Za-z0-9_-]+)$")
    speech: Literal["silero", "webrtcvad"] = "silero"
    detectors: dict[str, bool] = {}
    """detector -> on or off; those not named are on."""
    thresholds: dict[str, float] = {}
    """kind -> enter score."""
    rates: dict[str, float] = {}
    """detector -> looks a second."""


class RecordingSettings(Section):
    enabled: bool = True
    segment_s: float = Field(10.0, ge=2, le=60)
    min_free_mb: int = Field(500, ge=0)
    """Below this recording stops cleanly, with an alarm; the exam goes on."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="INVIGIL_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    data_dir: Path = Path("var")
    """Database, recordings, evidence, sockets."""
    database_url: str = ""
    """Empty: SQLite under data_dir. Or mysql+aiomysql://user:password@host/database."""
    secret_key: SecretStr = SecretStr("")
    """Signs links and sessions. Empty: made once and kept in data_dir/secret."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_json: bool = False
    web: WebSettings = WebSettings()
    media: MediaSettings = MediaSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    recording: RecordingSettings = RecordingSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        file = os.environ.get("INVIGIL_CONFIG")
        toml = (TomlConfigSettingsSource(settings_cls, Path(file)),) if file else ()
        return (init_settings, env_settings, *toml)

    @model_validator(mode="after")
    def _browsers_need_tls(self) -> Settings:
        web = self.web
        if (web.tls_cert is None) != (web.tls_key is None):
            raise ValueError("give both web.tls_cert and web.tls_key, or neither")
        if not self.on_loopback and web.tls_cert is None and not web.behind_proxy:
            raise ValueError(
                f"{web.host} is not a loopback address, and browsers give camera and microphone to "
                "https pages only: name a certificate with --tls-cert and --tls-key, or set "
                "web.behind_proxy when a reverse proxy ends TLS"
            )
        return self

    @property
    def on_loopback(self) -> bool:
        if self.web.host == "localhost":
            return True
        try:
            return ip_address(self.web.host).is_loopback
        except ValueError:
            return False

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{(self.data_dir / 'invigil.db').resolve()}"

    @property
    def base_url(self) -> str:
        scheme = "https" if self.web.tls_cert else "http"
        host = "localhost" if self.web.host in ("127.0.0.1", "::1") else self.web.host
        return self.web.public_url.rstrip("/") or f"{scheme}://{host}:{self.web.port}"

    @property
    def recordings_dir(self) -> Path:
        return self.data_dir / "recordings"

    @property
    def evidence_dir(self) -> Path:
        return self.data_dir / "evidence"

    def signing_key(self) -> str:
        """The secret key; made and kept (mode 0600) at the first call where none is set."""
        if key := self.secret_key.get_secret_value():
            return key
        file = self.data_dir / "secret"
        if not file.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secrets.token_urlsafe(48))
        return file.read_text().strip()


def load(**overrides: object) -> Settings:
    """Read the settings; raises BadSettings with one sentence that says what is wrong and where."""
    file = os.environ.get("INVIGIL_CONFIG")
    if file and not Path(file).is_file():
        raise BadSettings(detail=f"INVIGIL_CONFIG names {file}, which is not a file.")
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise BadSettings(
            detail=f"Setting {where}: {what}." if where else f"{what[0].upper()}{what[1:]}."
        ) from error

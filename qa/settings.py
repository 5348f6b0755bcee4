"""What can be configured, by environment (`QA_…`) and by a TOML file (named by `QA_SETTINGS`), validated once.

The environment wins over the file; a command's own options win over both.
"""

import datetime
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from qa.errors import InvalidSetting
from qa.records import AUDIENCES, Audience

REGISTER_NAME = "register.toml"
PREFIX = "QA_"
NO_SETTINGS = frozenset({"QA_SETTINGS", "QA_DEBUG", "QA_EVERY_FAULT"})
"""What else is read from the environment."""
KEEP_GENERATIONS = 3
"""The live one, and two to roll back to."""
ORIGIN = re.compile(r"https?://([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
"""As browsers write it: lower case, no path, no default port."""


class Settings(BaseSettings):
    """Every setting with its default. What is not given is read from the environment and the file.

    Raises InvalidSetting, naming each setting that is wrong.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    corpus: Path = Field(default=Path("corpus"), description="folder of the source documents")
    register_file: Path | None = Field(default=None, description="the register; CORPUS/register.toml unless set")
    index: Path = Field(default=Path("index"), description="folder of the index generations")
    model: Path | None = Field(
        default=None, description="folder of a sentence-transformers model in safetensors; the packaged one unless set"
    )
    encoder_threads: int | None = Field(
        default=None, ge=1, le=256, description="threads that work on one pass of the encoder; `qa serve` uses one"
    )
    passage_words: int = Field(default=90, ge=20, le=200, description="words that a passage aims at")
    review_due_days: int = Field(default=60, ge=0, le=3650, description="days before review_by that a review is due")
    max_file_bytes: int = Field(default=50_000_000, ge=1_000, description="a larger source file is not read")
    serve_audiences: tuple[Audience, ...] = Field(
        default=AUDIENCES, min_length=1, description="the audiences that this server answers"
    )
    keep_generations: int = Field(
        default=KEEP_GENERATIONS,
        ge=1,
        le=1_000,
        description="generations that a build leaves on the disk, the live one included",
    )
    clinic_name: str = Field(
        default="Our clinic", pattern=r"^[^\x00-\x1f\x7f]{1,80}$", description="name that the pages show"
    )
    clinic_phone: str = Field(
        default="", pattern=r"^[^\x00-\x1f\x7f]{0,40}$", description="phone number that every page of a failure shows"
    )
    cors_origins: tuple[str, ...] = Field(
        default=(), description="origins whose pages may send questions, such as https://portal.clinic.example"
    )
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    workers: int = Field(default=1, ge=1, le=64, description="processes that serve, each with an engine of its own")
    max_waiting_questions: int = Field(
        default=12, ge=1, le=10_000, description="questions a worker has in hand at once; one more is refused"
    )
    deadline_seconds: float = Field(
        default=2.0, gt=0.0, le=60.0, description="seconds that a question may wait for its answer"
    )
    max_connections: int = Field(
        default=1_000, ge=1, le=100_000, description="connections that a worker holds at once; one more is refused"
    )
    request_seconds: float = Field(
        default=10.0,
        gt=0.0,
        le=600.0,
        description="seconds for the head of a request to arrive, and again for its body",
    )
    watch_seconds: float = Field(
        default=0.25, ge=0.01, le=60.0, description="seconds between two looks for a new generation"
    )
    access_log: bool = Field(default=True, description="whether each request is logged, without its question")
    max_false_answer_rate: float = Field(
        default=0.2,
        ge=0.0,
        le=1.0,
        description="share of questions without an answer that may be answered all the same",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _wrong_ones_named(cls, values: Any, validated: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return validated(values)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
            raise InvalidSetting(
                f"Settings are wrong: {wrong}.", "Correct the QA_… variable or the settings file."
            ) from None

    @field_validator("serve_audiences")
    @classmethod
    def _once_each(cls, value: tuple[Audience, ...]) -> tuple[Audience, ...]:
        return tuple(audience for audience in AUDIENCES if audience in value)

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not ORIGIN.fullmatch(origin):
                raise ValueError("an origin is written like https://portal.clinic.example, without a path or a *")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library names it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        _check_environment()
        file = os.environ.get("QA_SETTINGS")
        if not file:
            return init_settings, env_settings
        try:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(file))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidSetting(f"The settings file {file} is not TOML: {error}.", "Correct that line.") from None

    @property
    def register_path(self) -> Path:
        return self.register_file or self.corpus / REGISTER_NAME


def load_settings(**options: Any) -> Settings:
    """The settings, with a command's own `options` (None means not given) over the environment and the file.

    Raises InvalidSetting, naming each setting that is wrong.
    """
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except SettingsError as error:
        raise InvalidSetting(f"Settings are wrong: {error}.", "Write a list as JSON.") from None


def _check_environment() -> None:
    """Raises InvalidSetting for a variable that is no setting, and a settings file that is not there."""
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and not _is_known(name))
    if unknown:  # QA_SERVE_AUDIENCE for …AUDIENCES would let patients ask for staff documents
        raise InvalidSetting(
            f"{', '.join(unknown)} is no setting.", "Correct or unset it; qa/cli/README.md lists them."
        )
    file = os.environ.get("QA_SETTINGS")
    if file and not Path(file).is_file():
        raise InvalidSetting(f"The settings file {file} does not exist.", "Correct QA_SETTINGS, or unset it.")


def _is_known(name: str) -> bool:
    return name.removeprefix(PREFIX).lower() in Settings.model_fields or name in NO_SETTINGS


def today() -> datetime.date:
    """The date where this machine stands: approvals and expiries are by the clinic's own calendar."""
    return datetime.datetime.now().astimezone().date()


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""Where the corpus and its register are, from what a command was given."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from qa.corpus.register import Register, load_register
from qa.errors import CorpusError
from qa.records import FileStatus
from qa.settings import Settings, load_settings, today

if TYPE_CHECKING:
    from qa.corpus.loader import Corpus


def corpus_settings(corpus: Path | None, register_file: Path | None, index: Path | None = None) -> Settings:
    """The settings; a register that names its corpus folder stands for `--corpus`."""
    settings = load_settings(corpus=corpus, register_file=register_file, index=index)
    if corpus is not None:
        return settings
    register = load_register(settings.register_path)
    named = register.corpus
    if named is None and register_file is not None and register.approvals:
        named = register_file.parent  # a register that names no folder stands in its own
    return settings if named is None else settings.model_copy(update={"corpus": named})


def approval_settings(
    paths: list[Path], corpus: Path | None, register_file: Path | None, index: Path | None
) -> Settings:
    """As `corpus_settings`; files outside the corpus folder, with a register of their own, bring their folder along."""
    settings = corpus_settings(corpus, register_file, index)
    if corpus is not None or register_file is None or load_register(settings.register_path).approvals:
        return settings
    folder = settings.corpus.resolve()
    existing = [path.resolve() for path in paths if path.exists()]
    if not existing or all(path.is_relative_to(folder) for path in existing):
        return settings
    return settings.model_copy(update={"corpus": Path(os.path.commonpath([path.parent for path in existing]))})


def open_corpus(settings: Settings) -> "tuple[Corpus, Register]":
    """The corpus as it stands today, and its register; raises CorpusError when nothing is there."""
    from qa.corpus.loader import Rules, load_corpus

    register = load_register(settings.register_path)
    if settings.register_file is not None and not settings.register_path.exists():
        raise CorpusError(f"There is no register {settings.register_path}.", "`qa approve` writes it.")
    rules = Rules(today(), settings.review_due_days, settings.max_file_bytes)
    return load_corpus(settings.corpus, register, rules), register


def load_statuses(settings: Settings) -> tuple[FileStatus, ...]:
    """The status of every file of the corpus."""
    return open_corpus(settings)[0].statuses

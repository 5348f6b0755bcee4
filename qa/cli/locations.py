"""The options of a command → where the corpus and its register are."""

import os
from pathlib import Path

from qa.corpus.register import load_register
from qa.settings import Settings, load_settings


def corpus_settings(corpus: Path | None, register_file: Path | None, index: Path | None = None) -> Settings:
    """The settings; a register that names its corpus folder stands for `--corpus`.

    Raises InvalidSetting, and InvalidRegister when the register cannot be read.
    """
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
    """As `corpus_settings`; files outside the corpus folder, with a register of their own, bring their folder along.

    Raises InvalidSetting, and InvalidRegister when the register cannot be read.
    """
    settings = corpus_settings(corpus, register_file, index)
    if corpus is not None or register_file is None or load_register(settings.register_path).approvals:
        return settings
    folder = settings.corpus.resolve()
    existing = [path.resolve() for path in paths if path.exists()]
    if not existing or all(path.is_relative_to(folder) for path in existing):
        return settings
    return settings.model_copy(update={"corpus": Path(os.path.commonpath([path.parent for path in existing]))})

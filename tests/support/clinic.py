"""A clinic in a temporary folder: documents written, approved and built through the product's own code."""

import datetime
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from qa.corpus.approval import Terms, propose
from qa.corpus.loader import Corpus, Rules, load_corpus
from qa.corpus.register import load_register, save_approvals
from qa.indexer.build import BuildReport, build
from qa.indexer.plan import plan_build
from qa.records import Audience
from qa.search.engine import Engine, new_engine
from qa.settings import Settings
from tests.support.encoders import BagOfWordsEncoder

TODAY = datetime.date(2026, 11, 20)
CALIBRATION = {
    "weights": {"least_tokens": 20.0},
    "bias": -11.0,
    "thresholds": [[0.0, 1.0], [0.05, 0.5], [1.0, 0.0]],
    "source": "made up for the bag of words",
}
"""Sensible for the encoder of these tests, whatever the packaged calibration says: a share of false answers of 1 is
kept by answering always, one of 0 by never answering."""

BY_COSINE = {"weights": {"cosine": 20.0}, "bias": -3.0, "thresholds": [[0.05, 0.5]], "source": "made up"}
"""Sensible for the packaged model, by the cosine of the first passage alone."""
ALWAYS_ANSWERS = {"weights": {"cosine": 1.0}, "bias": 0.0, "thresholds": [[0.0, 0.0]], "source": "made up"}


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether something that happens in the background comes to hold."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


@dataclass
class Clinic:
    """A corpus folder with a calibration, its register and its index. Dates are counted from `TODAY`."""

    folder: Path
    settings: Settings
    encoder: BagOfWordsEncoder = field(default_factory=BagOfWordsEncoder)
    today: datetime.date = TODAY

    def __post_init__(self) -> None:
        calibration = self.settings.corpus / "calibration.json"
        if not calibration.exists():
            calibration.parent.mkdir(exist_ok=True)
            calibration.write_text(json.dumps(CALIBRATION), "utf-8")

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.settings.corpus / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
        return file

    def approve(self, path: str, audience: Audience = "patient", expires_on: datetime.date | None = None) -> None:
        terms = Terms("The committee", audience, self.today, self.today + datetime.timedelta(365), expires_on)
        register = load_register(self.settings.register_path)
        proposal = propose(self.settings.corpus / path, terms, register, self.settings, {})
        save_approvals(self.settings.register_path, (proposal.approval,), None)

    def add(self, path: str, text: str | bytes, audience: Audience = "patient") -> None:
        """Writes and approves a document."""
        self.write(path, text)
        self.approve(path, audience)

    def corpus(self) -> Corpus:
        rules = Rules(self.today, self.settings.review_due_days, self.settings.max_file_bytes)
        return load_corpus(self.settings.corpus, load_register(self.settings.register_path), rules)

    def build(self, progress: Callable[[int, int], None] = lambda done, total: None) -> BuildReport:
        plan = plan_build(self.corpus(), self.settings, self.encoder.planned())
        register = load_register(self.settings.register_path)
        return build(plan, register.sha256, self.settings.index, self.encoder, progress)

    def engine(self, **settings: object) -> Engine:
        """One that has looked for a generation once; it looks again when told to, as the server's watcher does."""
        engine = new_engine(self.settings.model_copy(update=settings), self.encoder, lambda: self.today)
        engine.reload()
        return engine

    def elsewhere(self, name: str) -> "Clinic":
        """The same corpus with another index folder."""
        return replace(self, settings=self.settings.model_copy(update={"index": self.folder / name}))


RISKS = """# Risks of kyphoplasty

Every procedure has risks. Your doctor will explain them to you.

## Common risks

The risks include:

- Infection where the needle went in
- Bleeding
- Bone cement leaking out of place

## When to call

Call the clinic if your back pain gets worse.
"""

CEMENT = """# The bone cement

The bone cement hardens in about 10 minutes. You lie face down until then.

## What it is made of

Doctors use a cement called PMMA. It stays in the bone for good.
"""

CALL_GUIDE = """# Call guide

Read the quoted sentence as it stands. Never add advice of your own.
"""

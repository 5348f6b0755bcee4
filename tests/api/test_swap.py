"""Generations are published while questions are asked: none fails, and each answer is of the generation it names."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

from qa.api.app import create_app
from qa.encoder.protocol import Encoding
from qa.index.generation import AudienceIndex, open_generation
from qa.index.publication import publish
from qa.records import AUDIENCES
from qa.search.engine import Engine, new_engine
from qa.storage.files import sha256_of_text
from tests.support.clinic import CEMENT, Clinic
from tests.support.encoders import BagOfWordsEncoder

PUBLICATIONS = 100
QUESTIONS = ("How long until the cement hardens?", "Does the cement leak?", "What may I never add?", "kyfoplasty risks")


class SwappingEncoder(BagOfWordsEncoder):
    """Publishes the other generation, and has the engine take it up, in the middle of the questions that it encodes."""

    def __init__(self, index: Path, generations: Sequence[str]) -> None:
        super().__init__()
        self.index = index
        self.generations = generations
        self.publications = 0
        self.engine: Engine | None = None
        self.publishing = threading.Lock()

    def publish_next(self) -> None:
        self.publications += 1
        publish(self.index, self.generations[(self.publications + 1) % 2])
        assert self.engine is not None
        assert self.engine.reload() == "taken_up"

    def encode_questions(self, texts: Sequence[str]) -> tuple[Encoding, ...]:
        with self.publishing:  # questions are answered side by side
            if self.publications < PUBLICATIONS and self.engine is not None:
                self.publish_next()
        return super().encode_questions(texts)


@pytest.fixture
def generations(clinic: Clinic) -> tuple[str, str]:
    """Two generations that differ in what they answer."""
    first = clinic.build().generation
    clinic.add("cement.md", "# Cement\n\nAll is new here.\n\n" + CEMENT.replace("10 minutes", "11 minutes"))
    clinic.add("staff/call-guide.md", "# Call guide\n\nNever add a word of your own to what you read out.\n", "staff")
    return first, clinic.build().generation


def indexes(clinic: Clinic, generations: Sequence[str]) -> dict[str, AudienceIndex]:
    """What each digest stands for that an answer may name."""
    opened = [open_generation(clinic.settings.index, identifier) for identifier in generations]
    return {index.digest: index for generation in opened for index in generation.audiences.values()}


def verify(answer: Mapping[str, Any], known: Mapping[str, AudienceIndex]) -> int:
    """Checks every quote against the documents of the index that the answer names; returns their number."""
    index = known[answer["generation"]]
    quotes = [*answer["quotes"], *answer["related"]]
    for quote in quotes:
        citation = quote["citation"]
        document = index.documents[citation["document_id"]]
        assert document.text[citation["start"] : citation["end"]] == quote["text"]
        assert sha256_of_text(document.text) == citation["document_sha256"]
    return len(quotes)


def test_a_hundred_publications_in_the_middle_of_questions_fail_none_and_mix_none(
    clinic: Clinic, generations: tuple[str, str]
) -> None:
    known = indexes(clinic, generations)
    assert len(known) == 4
    encoder = SwappingEncoder(clinic.settings.index, generations)
    settings = clinic.settings.model_copy(update={"deadline_seconds": 60.0, "max_waiting_questions": 100})
    engine = new_engine(settings, encoder, lambda: clinic.today)
    engine.reload()
    encoder.engine = engine
    transport = httpx2.ASGITransport(create_app(engine, settings))
    named: list[str] = []
    quotes = 0

    async def ask(client: httpx2.AsyncClient, number: int) -> None:
        nonlocal quotes
        audience = AUDIENCES[number % 2]
        body = {"question": QUESTIONS[number % len(QUESTIONS)], "audience": audience}
        response, listing = await asyncio.gather(
            client.post("/v1/ask", json=body), client.get("/v1/documents", params={"audience": audience})
        )
        assert response.status_code == 200, response.text
        assert listing.status_code == 200, listing.text
        answer = response.json()
        assert known[answer["generation"]].audience == audience
        named.append(answer["generation"])
        quotes += verify(answer, known)

    async def scenario() -> None:
        async with httpx2.AsyncClient(transport=transport, base_url="http://clinic.test") as client:
            number = 0
            while encoder.publications < PUBLICATIONS:
                await asyncio.gather(*(ask(client, number + step) for step in range(4)))
                number += 4

    asyncio.run(asyncio.wait_for(scenario(), 120))
    assert encoder.publications == PUBLICATIONS
    assert set(named) == set(known), "each of the two generations answered each audience"
    assert quotes > len(named)


def test_an_answer_whose_question_was_begun_before_a_publication_is_of_the_old_generation(
    clinic: Clinic, generations: tuple[str, str]
) -> None:
    known = indexes(clinic, generations)
    encoder = SwappingEncoder(clinic.settings.index, generations)
    engine = new_engine(clinic.settings, encoder, lambda: clinic.today)
    engine.reload()
    encoder.engine = engine
    old = generations[1]
    for _ in range(4):
        assert engine.readiness().generation == old
        answer = engine.ask(QUESTIONS[0], "staff")
        digest = open_generation(clinic.settings.index, old).audiences["staff"].digest
        assert answer.generation == digest
        assert known[digest].documents[answer.quotes[0].citation.document_id].text
        old = generations[(encoder.publications + 1) % 2]
    assert encoder.publications == 4

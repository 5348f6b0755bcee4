"""A catalogue is what an audience may be quoted on one day, from one generation."""

import datetime

import pytest

from qa.errors import UnknownDocument
from qa.search.catalogue import Census
from tests.support.clinic import CEMENT, TODAY, Clinic

CHANGED = CEMENT.replace("about 10 minutes", "about 11 minutes")


def test_the_passages_of_a_document_stand_in_the_order_of_its_text(clinic: Clinic) -> None:
    catalogue = clinic.engine().catalogue()
    for document in catalogue.documents():
        passages = catalogue.passages(document)
        assert passages
        assert {passage.document_id for passage in passages} == {document.id}
        assert [passage.start for passage in passages] == sorted(passage.start for passage in passages)


def test_a_catalogue_stays_that_of_its_generation_whatever_is_published(clinic: Clinic) -> None:
    engine = clinic.engine()
    catalogue = engine.catalogue()
    clinic.add("cement.md", CHANGED)
    clinic.build()
    engine.reload()
    assert "10 minutes" in catalogue.document("cement").text
    assert "11 minutes" in engine.catalogue().document("cement").text


def test_a_census_counts_passages_and_what_is_valid_due_and_expired(clinic: Clinic) -> None:
    clinic.approve("cement.md", expires_on=TODAY + datetime.timedelta(30))
    clinic.build()
    engine = clinic.engine()
    assert engine.catalogue().census() == Census(passages=5, documents=2, review_due=0, expired=0)
    clinic.today = TODAY + datetime.timedelta(365 - clinic.settings.review_due_days)
    catalogues = engine.catalogues()
    assert catalogues["patient"].census() == Census(passages=5, documents=1, review_due=1, expired=1)
    assert catalogues["staff"].census() == Census(passages=6, documents=2, review_due=2, expired=1)


def test_without_a_generation_there_are_no_catalogues(empty_clinic: Clinic) -> None:
    assert empty_clinic.engine().catalogues() == {}


def test_a_document_that_is_not_there_is_refused_without_repeating_its_id(clinic: Clinic) -> None:
    with pytest.raises(UnknownDocument, match="No approved patient document has that id") as refusal:
        clinic.engine().catalogue().document("staff-call-guide")
    assert "staff-call-guide" not in str(refusal.value)

"""What `qa build` does from the settings alone: read, plan, build, prune, or take out of service."""

import pytest

from qa.errors import CheckFailed, CorpusError, NothingToServe, OutOfService
from qa.index.publication import generation_ids, live_id
from qa.indexer.build import BuildReport, build_index
from qa.indexer.embedding import Progress
from tests.support.clinic import CEMENT, RISKS, Clinic


def build(clinic: Clinic, progress: Progress = lambda done, total: None, **settings: object) -> BuildReport:
    chosen = clinic.settings.model_copy(update=settings)
    return build_index(chosen, clinic.encoder, clinic.today, progress)


def test_the_approved_documents_go_live_and_the_others_are_named(empty_clinic: Clinic) -> None:
    empty_clinic.add("cement.md", CEMENT)
    empty_clinic.write("risks.md", RISKS)
    report = build(empty_clinic)
    assert (report.documents, [status.path for status in report.left_out]) == (1, ["risks.md"])
    assert live_id(empty_clinic.settings.index) == report.generation


def test_as_many_generations_stay_as_the_settings_say(clinic: Clinic) -> None:
    before = live_id(clinic.settings.index)
    (clinic.settings.corpus / "risks.md").unlink()
    report = build(clinic, keep_generations=1)
    assert report.pruned.generations == (before,)
    assert generation_ids(clinic.settings.index) == [report.generation]


def test_when_nothing_may_be_served_any_more_the_index_goes_out_of_service(clinic: Clinic) -> None:
    for path in ("cement.md", "risks.md", "staff/call-guide.md"):
        (clinic.settings.corpus / path).unlink()
    with pytest.raises(NothingToServe, match=r"cement\.md.* was taken out of service\.") as refusal:
        build(clinic)
    assert "qa approve" in refusal.value.remedy
    with pytest.raises(OutOfService):
        live_id(clinic.settings.index)


def test_a_register_that_changes_meanwhile_is_said_and_what_was_approved_before_is_live(clinic: Clinic) -> None:
    before = live_id(clinic.settings.index)

    def approve_for_staff(done: int, total: int) -> None:
        clinic.approve("risks.md", "staff")

    clinic.add("more.md", "# More\n\nThe cement is warm.\n")
    with pytest.raises(CheckFailed, match="register changed"):
        build(clinic, approve_for_staff)
    assert live_id(clinic.settings.index) != before
    assert "more" in {document.id for document in clinic.engine().catalogue().documents()}


def test_a_register_that_the_settings_name_must_be_there(clinic: Clinic) -> None:
    with pytest.raises(CorpusError, match=r"no register .*nowhere\.toml"):
        build(clinic, register_file=clinic.folder / "nowhere.toml")

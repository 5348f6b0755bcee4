"""Links to documents and slices of them, on the server and in the script of the document page."""

import re
from pathlib import Path

import qa
from qa.links import document_link, slice_fragment, slice_link

DOCUMENT_SCRIPT = Path(qa.__file__).with_name("api") / "web" / "document.js"


def test_a_staff_document_is_asked_for_as_staff() -> None:
    assert document_link("cement", "patient") == "/documents/cement"
    assert document_link("call-guide", "staff") == "/documents/call-guide?audience=staff"


def test_a_link_to_a_slice_names_it_in_its_fragment() -> None:
    assert slice_link("cement", "patient", 17, 91) == "/documents/cement#p-17-91"
    assert slice_link("call-guide", "staff", 0, 5) == "/documents/call-guide?audience=staff#p-0-5"


def test_the_document_page_knows_the_fragment_of_a_slice() -> None:
    (pattern,) = re.findall(r"/(\^p-.+\$)/", DOCUMENT_SCRIPT.read_text(encoding="utf-8"))
    assert re.fullmatch(pattern, slice_fragment(0, 1_000_000))

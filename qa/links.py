"""Links to documents on this server, and to slices of their texts. Whoever writes or serves such a link asks here.

A link to a slice ends in a fragment that is the anchor of that passage on the document's page; `web/document.js` reads
it back there and marks the passage.
"""

from qa.records import Audience

DOCUMENTS_PATH = "/documents"


def document_link(document_id: str, audience: Audience) -> str:
    """Opens a document; one for staff is found only where one asks as staff."""
    return f"{DOCUMENTS_PATH}/{document_id}{'?audience=staff' if audience == 'staff' else ''}"


def slice_link(document_id: str, audience: Audience, start: int, end: int) -> str:
    """Opens a document with the slice `[start, end)` of its text in view."""
    return f"{document_link(document_id, audience)}#{slice_fragment(start, end)}"


def slice_fragment(start: int, end: int) -> str:
    """What names the slice `[start, end)` of a text on its page."""
    return f"p-{start}-{end}"

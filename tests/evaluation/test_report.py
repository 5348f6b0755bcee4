"""The HTML report: what it says, and that nothing in it is ever taken for markup."""

import base64
import dataclasses
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pytest

from qa.evaluation.judging import Evaluation, evaluate
from qa.evaluation.report import element, render_report
from tests.support.judged import asking, labelled, quote, reply

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></svg><iframe src=//evil.example></iframe>",
    "<!-- & &lt;b&gt; -->",
)
VOID = {"meta"}


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text; fails on tags that don't nest."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def names(self) -> set[str]:
        return {name for name, _ in self.elements}


def example(text: str = "plain") -> Evaluation:
    """One question of each outcome, with a text in every place that a file or a document fills."""
    rows = [
        dataclasses.replace(labelled("fine", kind=text), question="fine?"),
        dataclasses.replace(labelled(text, re.escape(f"{text}!"), kind=text, document=text), question="wrong?"),
        dataclasses.replace(labelled("silent", kind="lay"), question=f"silent? {text}"),
        dataclasses.replace(labelled("held", kind="lay"), question="held?"),
        dataclasses.replace(labelled("false", None, "near"), question="false?"),
        dataclasses.replace(labelled("off", None), question="off?"),
    ]
    hostile = quote(text, document=text)
    hostile = dataclasses.replace(
        hostile, citation=dataclasses.replace(hostile.citation, title=text, heading_path=(text,))
    )
    replies = {
        "fine": reply(0.9, "right"),
        "wrong": reply(0.7, hostile, generation=text),
        f"silent? {text}": reply(0.3, text, answered=False),
        "held": reply(0.4, "right", answered=False),
        "false": reply(0.6, text),
        "off": reply(0.0, answered=False),
    }
    return evaluate(asking(replies), rows)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_files_and_documents_hold_stays_text(payload: str) -> None:
    plain, hostile = (
        Page(render_report(example(), "q", "patient")),
        Page(render_report(example(payload), payload, "staff")),
    )
    assert [name for name, _ in hostile.elements] == [name for name, _ in plain.elements]
    assert [set(attributes) for _, attributes in hostile.elements] == [
        set(attributes) for _, attributes in plain.elements
    ]
    assert payload in "".join(hostile.texts)
    assert sum(payload in text for text in hostile.texts) >= 10


def test_the_page_holds_no_script_and_asks_for_nothing() -> None:
    html = render_report(example(), "questions.jsonl", "patient")
    page = Page(html)
    assert page.names().isdisjoint(
        {"script", "link", "img", "iframe", "object", "form", "use", "image", "foreignobject"}
    )
    attributes = {name for _, found in page.elements for name in found}
    assert attributes.isdisjoint({"src", "href", "style", "action"})
    assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in html
    assert "@import" not in html
    policy = next(found["content"] for _, found in page.elements if "http-equiv" in found)
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_the_page_can_be_read_without_seeing_it() -> None:
    page = Page(render_report(example(), "questions.jsonl", "patient"))
    names = [name for name, _ in page.elements]
    assert page.elements[0] == ("html", {"lang": "en"})
    assert names.count("svg") == names.count("desc") == 2
    assert names.count("table") == names.count("caption") == 3
    assert names.count("h1") == 1
    levels = [int(name[1]) for name in names if re.fullmatch("h[1-6]", name)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    identifiers = [found["id"] for _, found in page.elements if "id" in found]
    assert len(identifiers) == len(set(identifiers))
    for name, found in page.elements:
        if name == "svg":
            assert found["role"] == "img"
            assert set(str(found["aria-labelledby"]).split()) <= set(identifiers)
        if name == "th":
            assert found["scope"] in {"col", "row"}


def test_every_failure_is_shown_with_what_was_quoted() -> None:
    text = "\n".join(Page(render_report(example("quoted words"), "q.jsonl", "patient")).texts)
    for title in ("False answers (1)", "Wrong quotes (1)", "Missed in silence (1)", "Held back (1)"):
        assert title in text
    assert "Of 6 questions, 4 can be answered" in text
    assert "not in the first ten" in text
    assert "quoted words" in text
    assert "fine?" not in text


def test_rates_have_counts_and_intervals_and_a_small_sample_says_that_it_is_rough() -> None:
    page = "\n".join(Page(render_report(example(), "q.jsonl", "patient")).texts)
    assert "The first passage answers: 2 of 4, 50 % (7–93 %)." in page
    assert "Should have been silent: 1 of 2, 50 % (1–99 %)." in page
    assert "1 of 1, 100 % (2–100 %)" in page, "false answers of the near misses"
    assert "4 answerable, 2 unanswerable." in page
    assert "6 questions, so a rough figure." in page
    many = evaluate(lambda _: reply(0.9, "right"), [labelled(str(number)) for number in range(100)])
    assert "rough" not in render_report(many, "q", "patient")


def test_a_run_without_failures_or_without_one_sort_says_so() -> None:
    good = render_report(evaluate(lambda _: reply(0.9, "right"), [labelled("a")]), "q", "patient")
    assert "Nothing: every question came out as labelled." in good
    assert "The curve needs questions that can be answered and questions that cannot." in good
    assert Page(render_report(evaluate(lambda _: reply(0.9), []), "q", "patient")).names() >= {"main", "svg"}


def test_the_same_evaluation_gives_the_same_bytes() -> None:
    assert render_report(example(), "q", "patient") == render_report(example(), "q", "patient")


def test_a_line_break_of_the_document_is_kept_in_the_quote() -> None:
    page = render_report(evaluate(lambda _: reply(0.9, "one\ntwo"), [labelled("a")]), "q", "patient")
    assert "one\ntwo" in page


def test_an_element_escapes_what_is_not_markup() -> None:
    assert element("p", "a < b & c", element("b", '"'), class_='x"y') == (
        '<p class="x&quot;y">a &lt; b &amp; c<b>&quot;</b></p>'
    )

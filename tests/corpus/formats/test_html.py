"""HTML: the main text of a page."""

import pytest

from qa.corpus.formats import read
from qa.records import CanonicalText


def page(body: str, head: str = "") -> CanonicalText:
    return read(f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode(), ".html")


def blocks(canonical: CanonicalText) -> list[tuple[str, str]]:
    return [(b.kind, canonical.text[b.start : b.end]) for s in canonical.sections for b in s.blocks]


@pytest.mark.parametrize(
    "furniture",
    [
        "<nav>Home</nav>",
        "<header><a href='/'>Our site</a></header>",
        "<footer>Copyright</footer>",
        "<div role=banner>Our site</div>",
        "<div id=footer>Copyright</div>",
        "<div class='x site-header'>Our site</div>",
        "<div id=cookie-banner>We use cookies</div>",
        "<section class='CookieConsent'>We use cookies</section>",
        "<ol class=breadcrumb><li>Home</ol>",
        "<a href='#content'>Skip to content</a>",
        "<script>x()</script><style>p{}</style><noscript>Switch it on</noscript><template>t</template>",
        "<p hidden>secret</p><p style='display: none'>secret</p>",
        "<form><input value=x><textarea>t</textarea><button>Send</button></form>",
        "<select><option>AL</select><svg><text>icon</text></svg><dialog>Subscribe</dialog>",
        "<dialog open class=cookie-banner>We use cookies</dialog>",
        "<div class='nhsuk-skip-link x'>Skip</div><ul id=yoast class='Breadcrumbs__list'><li>Home</ul>",
        "<div id=onetrust-consent-sdk>We use cookies</div><span class=skip_to_content>Skip</span>",
        "<!-- note -->",
    ],
)
def test_what_belongs_to_the_site_and_not_to_the_page_is_left_out(furniture: str) -> None:
    canonical = page(f"{furniture}<h1>Acne</h1><p>Spots.</p>{furniture}")
    assert canonical.text == "Acne\n\nSpots."


def test_only_the_main_element_is_read_where_there_is_one() -> None:
    canonical = page("<h1>Acne</h1><p>News</p><main><p>Spots.</p></main><div>More news</div>")
    assert (canonical.title, canonical.text) == ("Acne", "Spots.")
    assert page("<main></main><p>Spots.</p>").text == "Spots."


def test_without_a_main_element_the_article_of_the_heading_is_read() -> None:
    assert page("<div>News</div><article><h1>Acne</h1>Spots.</article><article>Ad</article>").text == "Acne\n\nSpots."
    assert page("<article>One.</article><article>Two.</article>").text == "One.\n\nTwo."


def test_prose_is_kept_wherever_it_stands() -> None:
    canonical = page(
        "<form><header class=top><h1>Acne</h1></header><p>Spots.</p></form>loose"
        "<section><header>Lead.</header></section><aside>In an emergency call 911.</aside><p>Spots.</p>"
    )
    assert canonical.text.split("\n\n") == ["Acne", "Spots.", "loose", "Lead.", "In an emergency call 911.", "Spots."]


@pytest.mark.parametrize(
    "element",
    [
        "<p class='skip-to-note'>{}</p>",
        "<p class='skip-link'>{}</p>",
        "<h2 class=breadcrumb>{}</h2>",
        "<ul><li id=footer>{}</ul>",
        "<table><tr><td class=site-header>{}</table>",
        "<div class='skip-to-note'>{}</div>",
        "<div class='no-cookie-bar breadcrumb-diet'>{}</div>",
        "<div id=cookies-and-milk>{}</div>",
        "<div style='backface-visibility: hidden'>{}</div>",
        "<label>{}</label>",
        "<fieldset><legend>{}</legend><input></fieldset>",
        "<dialog open>{}</dialog>",
        "<dialog open role=dialog>{}</dialog>",
        "<button aria-controls=d>Note</button><dialog id=d>{}</dialog>",
        "<p>Note: <a href='#3'>{}</a></p>",
    ],
)
def test_what_a_person_sees_is_never_lost_to_the_name_of_its_element_or_class(element: str) -> None:
    for note in ("Do not eat for 8 hours.", "Skip to step 3 if you take aspirin."):
        assert note in page(f"<h1>Acne</h1>{element.format(note)}<p>Spots.</p>").text


def test_a_label_stands_in_the_flow_and_a_legend_on_its_own() -> None:
    form = (
        "<form><fieldset><legend>Your pain</legend>"
        "<label><input type=radio>Mild</label><label><input type=radio>Severe</label></fieldset></form>"
    )
    assert page(form).text == "Your pain\n\nMild Severe"
    assert page("<p>Rest for <label>two</label> days.</p>").text == "Rest for two days."


def test_parts_that_a_button_unfolds_are_kept_with_the_buttons_words() -> None:
    canonical = page(
        "<h2><button aria-controls=a>Risks</button></h2><div id=a hidden>Few.</div>"
        "<button aria-expanded=false>Why?</button><details><summary>More</summary>Yes.</details>"
        "<x-accordion-item header='May I walk?' level=3><p>Yes.</p></x-accordion-item>"
    )
    assert canonical.text.split("\n\n") == ["Risks", "Few.", "Why?", "More", "Yes.", "May I walk?", "Yes."]
    assert canonical.sections[-1].heading_path == ("Risks", "May I walk?")


def test_the_title_is_the_h1_or_else_the_title_element() -> None:
    assert page("<h1>Acne</h1>x", "<title>Acne - Site</title>").title == "Acne"
    assert page("<h1><img src=logo></h1>x", "<title>Acne - Site</title>").title == "Acne - Site"
    assert page("x").title is None


def test_white_space_is_as_in_a_browser() -> None:
    assert page("<p> Rest\n  for&nbsp;<b>two</b><i> days</i>,<br>\n then <span>wa</span>lk.</p>").text == (
        "Rest for two days,\nthen walk."
    )
    assert page("<p>Rest.<br><br>Walk.</p>").text == "Rest.\n\nWalk."
    assert blocks(page("<pre>a\n  <b>b</b></pre>")) == [("preformatted", "a\n  b")]


def test_lists_nest_and_number_as_in_a_browser() -> None:
    canonical = page(
        "<ol start=3><li>Rest</li><li value=7><p>Eat</p><p>well</p><ul><li>soup</ul>after<li>Walk</ol>"
        "<ol type=a><li>Call</ol>"
    )
    assert blocks(canonical) == [
        ("list_item", "3. Rest"),
        ("list_item", "7. Eat\nwell"),
        ("list_item", "• soup"),
        ("paragraph", "after"),
        ("list_item", "8. Walk"),
        ("list_item", "a. Call"),
    ]


def test_a_reversed_list_counts_down() -> None:
    items = "<li>Rest<ol><li>Lie down</ol><li hidden>Run<li>Eat"
    assert page(f"<ol reversed>{items}</ol>").text == "2. Rest\n  1. Lie down\n1. Eat"
    assert page(f"<ol reversed start=9>{items}<li value=5>Walk<li>Drive</ol>").text == (
        "9. Rest\n  1. Lie down\n8. Eat\n5. Walk\n4. Drive"
    )


def test_a_heading_in_a_list_item_begins_a_section() -> None:
    canonical = page("<ol><li><h2>Wash</h2>With soap.</li><li><h2>Dry</h2></li></ol>")
    assert [section.heading_path for section in canonical.sections] == [("Wash",), ("Dry",)]
    assert blocks(canonical) == [("list_item", "1. With soap.")]


def test_a_table_of_data_becomes_rows_and_a_table_of_layout_does_not() -> None:
    data = (
        "<table><caption>Risks</caption><tr><th>Risk<th>Often"
        "<tr><td><p>Leak</p><ul><li>of cement</ul><td>1 in<br>10<tr><td><td></table>"
    )
    assert blocks(page(data)) == [
        ("paragraph", "Risks"),
        ("table_row", "Risk | Often"),
        ("table_row", "Leak • of cement | 1 in 10"),
    ]
    layout = "<table><tr><td><h2>Risks</h2><p>Few.</p></td><td>More.</td></tr></table>"
    assert page(layout).text == "Risks\n\nFew.\n\nMore."
    assert blocks(page(f"<table><tr><td>Left.<td>{data}</table>"))[0] == ("paragraph", "Left.")


def test_a_term_stands_above_its_definition() -> None:
    canonical = page("<dl><dt>Cost</dt><dd><p>None.</p></dd><dt>Where</dt><dd><ul><li>Here</ul></dd><dt>When</dt></dl>")
    assert canonical.text.split("\n\n") == ["Cost\nNone.", "Where", "• Here", "When"]


def test_powers_are_not_read_as_digits() -> None:
    assert page("<p>10<sup>9</sup>/L, m<sup>2</sup>, 1<sup>st</sup>, H<sub>2</sub>O</p>").text == "10⁹/L, m², 1st, H2O"


def test_the_declared_encoding_is_used() -> None:
    assert read("<meta charset=windows-1251><p>Болит спина".encode("cp1251"), ".htm").text == "Болит спина"

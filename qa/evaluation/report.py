"""An evaluation → one HTML page: figures, kinds, two plots, and what went wrong with what was quoted.

The page holds no script and loads nothing. Whatever comes from questions or documents enters as text: `element`
escapes every child that is not itself an `Html`.
"""

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence

from qa.evaluation.judging import Evaluation, Figures, JudgedQuestion, operating_points_of, reliability_of
from qa.evaluation.metrics import ROUGH_BELOW, Bin, OperatingPoint, Rate
from qa.records import Audience, Quote

FALSE_ANSWER_RATES = (0.0, 0.01, 0.05, 0.1, 0.2)
NOTHING = "–"

GROUPS = (
    ("False answers", "Answered, though the label says that no approved text answers them.", "false answer", True),
    ("Wrong quotes", "Answered, but the first three quotes don't hold the answer.", "missed", True),
    ("Missed in silence", "The first three passages don't hold the answer, and nothing was answered.", "missed", False),
    ("Held back", "The answer was found, but the confidence was too low to quote it.", "not answered", False),
)

# The plot's left and top edge, its width and height, and the size of the whole picture, in units of the SVG.
LEFT, TOP, WIDTH, HEIGHT, PICTURE_WIDTH, PICTURE_HEIGHT = 46.0, 22.0, 300.0, 220.0, 360, 294

STYLE = """
:root { color-scheme: light dark; --page: #fbfaf7; --panel: #ffffff; --text: #1e282d; --soft: #55636a; --line: #dcdcd5;
  --accent: #1c6a72; --tint: #cfe3e2; --bad: #a03a26; --mark: #fbeebc; }
@media (prefers-color-scheme: dark) { :root { --page: #13181b; --panel: #1b2226; --text: #e3e8e8; --soft: #a3b0b4;
  --line: #333d42; --accent: #74c4c6; --tint: #284c50; --bad: #f2a08c; --mark: #4d4420; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); line-height: 1.55; overflow-wrap: anywhere;
  font: 18px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1, h2, h3, h4 { line-height: 1.25; text-wrap: balance; }
h1 { font-size: 1.9rem; margin: 0 0 .75rem; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; margin: 3rem 0 1rem; }
h3 { font-size: 1.1rem; margin: 2rem 0 .25rem; }
h4 { font-size: 1.05rem; margin: 0 0 .35rem; }
p { margin: 0 0 .75rem; max-width: 42em; }
.lede { font-size: 1.15rem; }
.soft, figcaption, caption, .facts { color: var(--soft); font-size: .9rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 14rem), 1fr)); gap: 1rem;
  margin: 0; }
.figures > div, article, figure { background: var(--panel); border: 1px solid var(--line); border-radius: .6rem; }
.figures > div { padding: 1rem 1.15rem; display: grid; align-content: start; }
.figures dt { font-weight: 600; }
.figures dd { margin: 0; }
.figures .value { font-size: 2rem; line-height: 1.2; color: var(--accent); font-variant-numeric: tabular-nums; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem;
  align-items: start; }
figure { margin: 0; padding: 1rem 1.15rem; min-width: 0; }
figure h3 { margin: 0 0 .5rem; }
figcaption { margin-top: .5rem; }
svg { display: block; width: 100%; height: auto; font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; }
svg text { fill: var(--text); paint-order: stroke; stroke: var(--panel); stroke-width: 3px; }
.grid { stroke: var(--line); stroke-width: 1; }
.ideal { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 5 4; }
.bar { fill: var(--tint); stroke: var(--accent); stroke-width: 1; }
.claim { stroke: var(--bad); stroke-width: 3; stroke-linecap: round; }
.curve { fill: none; stroke: var(--accent); stroke-width: 2.5; stroke-linejoin: round; }
.present { fill: var(--bad); stroke: var(--panel); stroke-width: 2; }
.strong { font-weight: 600; }
.scroll { overflow-x: auto; }
.scroll:focus-visible, summary:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; padding-bottom: .5rem; }
th, td { padding: .4rem .75rem .4rem 0; text-align: right; border-bottom: 1px solid var(--line); font-weight: 400;
  vertical-align: bottom; }
thead th { font-size: .9rem; color: var(--soft); }
tr > :first-child { text-align: left; }
tbody tr:first-child.all > * { font-weight: 600; }
details { margin-top: .75rem; font-size: .9rem; }
summary { cursor: pointer; color: var(--accent); padding: .4rem 0; }
article { padding: 1rem 1.15rem; margin-top: 1rem; }
.facts { margin: 0; }
blockquote { margin: .5rem 0 0; padding: .1rem 0 .1rem 1rem; border-left: 4px solid var(--tint); white-space: pre-line;
  max-width: 42em; }
mark { background: var(--mark); color: inherit; }
code { font: .9em ui-monospace, "Cascadia Mono", Consolas, monospace; }
@media (max-width: 40rem) { th, td { font-size: .85rem; padding-right: .5rem; } h2 { margin-top: 2.25rem; } }
@media print { :root { color-scheme: light; --page: #fff; --panel: #fff; --text: #000; --soft: #444; --line: #bbb;
  --accent: #1c6a72; --tint: #cfe3e2; --bad: #a03a26; --mark: #fbeebc; }
  :root { font-size: 9pt; } body { font-size: 10.5pt; } main { padding: 0; max-width: none; }
  .plots { grid-template-columns: 1fr 1fr; } .figures { grid-template-columns: repeat(4, 1fr); }
  section > .scroll { break-inside: avoid; } article, figure, tr { break-inside: avoid; }
  h2, h3, h4 { break-after: avoid; } details::details-content { content-visibility: visible; display: block; }
  summary { list-style: none; } .scroll { overflow: visible; } }
"""


class Html(str):
    """Markup that is safe to place as it is."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | float) -> Html:
    """An element with its children, each escaped unless it is `Html`; `class_` and `aria_label` name attributes."""
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_number(value))}"' for key, value in attributes.items()
    )
    inner = "".join(child if isinstance(child, Html) else html.escape(child) for child in children)
    return Html(f"<{name}{named}>{inner}</{name}>")


def render_report(evaluation: Evaluation, questions_name: str, audience: Audience) -> str:
    """The page, the same to the byte for the same evaluation; `questions_name` says which questions were asked."""
    policy = f"default-src 'none'; style-src 'sha256-{_digest(STYLE)}'; base-uri 'none'; form-action 'none'"
    void = "".join(
        f"<meta {attributes}>\n"
        for attributes in (
            'charset="utf-8"',
            f'http-equiv="Content-Security-Policy" content="{policy}"',
            'name="viewport" content="width=device-width, initial-scale=1"',
        )
    )
    style = Html(f"<style>{STYLE}</style>\n")
    head = element("head", Html(void), element("title", f"Evaluation of {questions_name}"), style)
    main = element(
        "main",
        _header(evaluation, questions_name, audience),
        _figures(evaluation),
        _kinds(evaluation),
        _confidence(evaluation),
        _failures(evaluation),
    )
    return f"<!doctype html>\n{element('html', head, element('body', main), lang='en')}\n"


def _header(evaluation: Evaluation, questions_name: str, audience: Audience) -> Html:
    figures = evaluation.figures
    sentences = [f"Of {_count(figures.questions, 'question')}, {figures.answerable} can be answered from approved text"]
    sentences.append(f": {figures.answered} of them were answered, and {figures.found} have the answer in the first ")
    sentences.append(f"three passages. Of the {figures.unanswerable} that cannot, {figures.answered_falsely} ")
    sentences.append("was answered all the same." if figures.answered_falsely == 1 else "were answered all the same.")
    facts = f"Questions: {questions_name}. Audience: {audience}. Index: {', '.join(evaluation.generations) or NOTHING}."
    changed = " Another index was published during the run." if len(evaluation.generations) > 1 else ""
    return element(
        "header",
        element("h1", "How well questions are answered"),
        element("p", "".join(sentences), class_="lede"),
        element("p", facts + changed, class_="soft"),
    )


def _figures(evaluation: Evaluation) -> Html:
    figures = evaluation.figures
    first, found, answered, falsely = (f"{rate}." for rate in figures.rates.values())
    counts = f"{figures.answerable} answerable, {figures.unanswerable} unanswerable."
    rough = (
        f"{_count(figures.questions, 'question')}{', so a rough figure' if figures.questions < ROUGH_BELOW else ''}."
    )
    cards = (
        ("hit@1", figures.hit_at_1, f"The first passage answers: {first}"),
        ("hit@3", figures.hit_at_3, f"One of the first three answers: {found}"),
        ("MRR", figures.mrr, "Mean of 1/rank of the first passage that answers, within ten."),
        ("Answered", figures.answered_share, f"Quoted rather than silent, of the answerable ones: {answered}"),
        ("False answers", figures.false_answers, f"Should have been silent: {falsely}"),
        ("AUROC", evaluation.auroc, f"Chance that an answerable question has more confidence than others: {counts}"),
        (
            "ECE",
            evaluation.ece,
            f"Mean distance between what confidence claims and what comes true; 0 is best. {rough}",
        ),
    )
    panels = (
        element(
            "div",
            element("dt", name),
            element("dd", _share(value), class_="value"),
            element("dd", meaning, class_="soft"),
        )
        for name, value, meaning in cards
    )
    bounds = "In brackets: where a rate lies with 95 % confidence (Clopper–Pearson)."
    return _section("Figures", element("p", bounds, class_="soft"), element("dl", *panels, class_="figures"))


def _kinds(evaluation: Evaluation) -> Html:
    titles = ("kind", "questions", "hit@1", "hit@3", "MRR", "answered", "false answers")
    rows = [("all", *_cells(evaluation.figures))]
    rows += [(kind, *_cells(figures)) for kind, figures in evaluation.per_kind.items()]
    caption = "Rates by kind of question, with 95 % intervals; a dash where there is nothing to count."
    return _section("By kind", _table(caption, titles, rows, first_row="all"))


def _cells(figures: Figures) -> tuple[str, ...]:
    first, found, answered, falsely = map(str, figures.rates.values())
    return str(figures.questions), first, found, _share(figures.mrr), answered, falsely


def _confidence(evaluation: Evaluation) -> Html:
    bins = reliability_of(evaluation.judged)
    points = operating_points_of(evaluation.judged)
    claim = (
        "A confidence is the claim that approved text answers the question and that the first three passages hold the "
        "answer. At a confidence of 0.8, four in five should."
    )
    plots = element("div", _reliability_figure(bins), _curve_figure(points, evaluation.figures), class_="plots")
    return _section("What the confidence is worth", element("p", claim), plots)


def _reliability_figure(bins: Sequence[Bin]) -> Html:
    marks = [_line(_x(0), _y(0), _x(1), _y(1), "ideal")]
    for item in (item for item in bins if item.size):
        left, width = _x(item.lower) + 2, WIDTH / len(bins) - 4
        top, claimed = _y(item.right), _y(item.confidence)
        marks.append(element("rect", x=left, y=top, width=width, height=_y(0) - top, class_="bar"))
        marks.append(_line(left, claimed, left + width, claimed, "claim"))
        marks.append(_text(left + width / 2, min(top, claimed) - 6, str(item.size), "middle"))
    description = "; ".join(
        f"confidence {item.lower:.1f} to {item.lower + 0.1:.1f}: {item.size} questions, {item.right:.2f} right"
        for item in bins
        if item.size
    )
    picture = _picture("reliability", "Reliability plot", description or "No questions.", "confidence", "right", marks)
    rows = [
        (
            f"{item.lower:.1f}–{item.lower + 0.1:.1f}",
            str(item.size),
            _share(item.confidence),
            str(Rate(round(item.right * item.size), item.size)),
        )
        for item in bins
        if item.size
    ]
    caption = "Bars: the share that was right. Thick strokes: the mean confidence. Numbers: how many questions."
    table = _table("Reliability by bin", ("confidence", "questions", "claimed", "right"), rows)
    return _figure("Reliability", picture, caption, table)


def _curve_figure(points: Sequence[OperatingPoint], figures: Figures) -> Html:
    answered, false_answers = figures.answered_share, figures.false_answers
    if not points or answered is None or false_answers is None:
        text = "The curve needs questions that can be answered and questions that cannot."
        return element("figure", element("h3", "Coverage and false answers"), element("p", text))
    path = " ".join(f"{_number(_x(point.false_answers))},{_number(_y(point.answered))}" for point in points)
    x, y = _x(false_answers), _y(answered)
    anchor, shift = ("end", -12.0) if false_answers > 0.5 else ("start", 12.0)
    marks = [
        element("polyline", points=f"{_number(_x(0))},{_number(_y(0))} {path}", class_="curve"),
        element("circle", cx=x, cy=y, r=6, class_="present"),
        _text(x + shift, y + 18, "now", anchor, class_="strong"),
    ]
    now = f"Now {answered:.2f} of the answerable questions are answered, and {false_answers:.2f} of the others."
    title = "Coverage over false answers"
    picture = _picture("coverage", title, now, "unanswerable questions answered", "answerable ones answered", marks)
    rows = []
    for rate in FALSE_ANSWER_RATES:
        allowed = [point for point in points if point.false_answers <= rate]
        threshold, share = (allowed[-1].threshold, allowed[-1].answered) if allowed else (None, 0.0)
        answerable = Rate(round(share * figures.answerable), figures.answerable)
        rows.append((f"{rate:.2f}", str(answerable), _share(threshold)))
    titles = ("false answers up to", "answered", "from confidence")
    caption = f"Each point of the line is a threshold. {now}"
    return _figure("Coverage and false answers", picture, caption, _table("What thresholds would give", titles, rows))


def _failures(evaluation: Evaluation) -> Html:
    parts: list[Html] = []
    for title, meaning, problem, answered in GROUPS:
        group = [item for item in evaluation.failures if (item.problem, item.answered) == (problem, answered)]
        if group:
            parts += [element("h3", f"{title} ({len(group)})"), element("p", meaning, class_="soft")]
            parts += [_failure(item) for item in group]
    return _section("What went wrong", *(parts or [element("p", "Nothing: every question came out as labelled.")]))


def _failure(judged: JudgedQuestion) -> Html:
    labelled = judged.labelled
    facts: list[str] = [element("bdi", labelled.id)]
    if labelled.kind is not None:
        facts += [" · ", element("bdi", labelled.kind)]
    facts.append(f" · confidence {judged.confidence:.2f}")
    if labelled.answer is not None:
        place = f"at rank {judged.rank}" if judged.rank else "not in the first ten"
        facts += [f" · expected, {place}: ", element("code", element("bdi", labelled.answer.pattern))]
        facts += [" in ", element("bdi", labelled.document)] if labelled.document is not None else []
    quoted = _quoted(judged.first, judged.answered) if judged.first is not None else [element("p", "Nothing is close.")]
    return element(
        "article", element("h4", element("bdi", labelled.question)), element("p", *facts, class_="facts"), *quoted
    )


def _quoted(quote: Quote, answered: bool) -> list[Html]:
    citation = quote.citation
    place = " › ".join((citation.title, *citation.heading_path))
    staff = ", staff only" if citation.audience == "staff" else ""
    verb = "Quoted first" if answered else "Closest"
    source = (f"{verb}: ", element("bdi", place), f" ({citation.document_id}{staff}), score {quote.score:.2f}")
    parts: list[str] = []
    for each in quote.context:
        if each.governing:
            parts += [element("mark", each.text), "\n"]
    position = 0
    for start, end in quote.highlights:
        parts += [quote.text[position:start], element("mark", quote.text[start:end])]
        position = end
    return [
        element("p", *source, class_="facts"),
        element("blockquote", *parts, quote.text[position:], dir="auto"),
    ]


def _section(title: str, *children: Html) -> Html:
    return Html(element("section", element("h2", title), *children) + "\n")


def _figure(title: str, picture: Html, caption: str, table: Html) -> Html:
    details = element("details", element("summary", "The numbers"), table)
    return element("figure", element("h3", title), picture, element("figcaption", caption), details)


def _table(caption: str, titles: Sequence[str], rows: Iterable[Sequence[str]], first_row: str = "") -> Html:
    head = element("thead", element("tr", *(element("th", title, scope="col") for title in titles)))
    body = [
        element(
            "tr",
            element("th", element("bdi", name), scope="row"),
            *(element("td", cell) for cell in cells),
            **({"class_": first_row} if first_row and number == 0 else {}),
        )
        for number, (name, *cells) in enumerate(rows)
    ]
    table = element("table", element("caption", caption), head, element("tbody", *body))
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=caption)


def _picture(identifier: str, title: str, description: str, x_title: str, y_title: str, marks: list[Html]) -> Html:
    """A plot over [0, 1] × [0, 1] with its grid and axis titles."""
    grid: list[Html] = []
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        grid.append(_line(_x(value), _y(0), _x(value), _y(1), "grid"))
        grid.append(_line(_x(0), _y(value), _x(1), _y(value), "grid"))
        grid.append(_text(_x(value), _y(0) + 18, f"{value:g}", "middle"))
        grid.append(_text(LEFT - 8, _y(value) + 4, f"{value:g}", "end"))
    grid.append(_text(LEFT + WIDTH / 2, _y(0) + 42, x_title, "middle"))
    grid.append(_text(LEFT - 36, TOP - 10, y_title, "start"))
    return element(
        "svg",
        element("title", title, id=f"{identifier}-title"),
        element("desc", description, id=f"{identifier}-description"),
        *grid,
        *marks,
        viewBox=f"0 0 {PICTURE_WIDTH} {PICTURE_HEIGHT}",
        role="img",
        aria_labelledby=f"{identifier}-title {identifier}-description",
    )


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def _text(x: float, y: float, text: str, anchor: str, class_: str = "label") -> Html:
    return element("text", text, x=x, y=y, text_anchor=anchor, class_=class_)


def _x(value: float) -> float:
    return LEFT + WIDTH * value


def _y(value: float) -> float:
    return TOP + HEIGHT * (1 - value)


def _number(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

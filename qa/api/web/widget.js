// <clinic-answers>: a portal's search box that quotes texts which the clinic approved. It depends on nothing.
//
// <clinic-answers endpoint="https://qa.clinic.example" phone="+1 555 010 0199">a form for when this cannot run</…>
//
// It asks the patients' index only, sends a question in the body of a POST and nowhere else, keeps nothing,
// and puts in what it is told as text nodes.

// Each can be replaced by an attribute of that name, or by a member of a JSON block inside the element.
const WORDS = {
  "label": "Ask your clinic a question",
  "placeholder": "",
  "ask": "Ask",
  "looking": "Looking…",
  "found-one": "1 passage found: {first}",
  "found": "{count} passages found, first: {first}",
  "read-as": "Read {changes}.",
  "change": "“{typed}” as “{read}”",
  "reviewed": "Reviewed {date}",
  "page": "Page {page}",
  "new-tab": "(opens in a new tab)",
  "not-covered": "No approved text answers this",
  "uncovered": "No approved text mentions {terms}.",
  "related": "Related, but not an answer",
  "call": "Please call us:",
  "call-unnumbered": "Please call your clinic.",
  "retry": "Please ask again {when}.",
  "offline": "You seem to be offline",
  "offline-advice": "Check your connection, then ask again.",
  "unreachable": "Answers cannot be reached",
  "unreachable-advice": "Check your connection, then ask again.",
  "busy": "Too many questions at once",
  "busy-advice": "Please ask again in a moment.",
  "unavailable": "Answers are not available now",
  "unavailable-advice": "Please ask again later.",
  "late": "No reply came in time",
  "late-advice": "Please ask again.",
  "wrong-address": "Answers are not set up correctly here",
  "wrong-address-advice": "This is not your fault, and asking again will not help.",
  "broken": "Something went wrong",
  "broken-advice": "This is not your fault. Please ask again later.",
  "long": "The question is too long",
  "long-advice": "Please ask it in fewer words.",
  "empty": "There is no question yet",
  "empty-advice": "Type your question in the box, then ask.",
  "refused": "The question could not be read",
  "refused-advice": "Please ask it in other words.",
  "note": "Answers are quoted from texts that your clinic approved. They do not replace advice from your doctor. In an emergency, call 911.",
  "quote-lang": "en",
};
const SECONDS_TO_ANSWER = 8;
const SECONDS_UNTIL_LOOKING = 0.3;
const A_DAY = 86400;
const MOST_CHARACTERS = 1000;
const MOST_QUOTES = 3;

// Light and dark; a page replaces --clinic-accent and so on, and `color-scheme` chooses.
const COLOURS = {
  "text": ["#16212a", "#eef3f5"],
  "soft": ["#47555e", "#b4c2c9"],
  "panel": ["#ffffff", "#19232a"],
  "tint": ["#eef4f5", "#22313a"],
  "line": ["#c9d3d5", "#3d4d56"],
  "edge": ["#6b7a82", "#8799a2"],
  "accent": ["#0b5563", "#84d0de"],
  "on-accent": ["#ffffff", "#06272e"],
};
const BOTH = CSS.supports("color", "light-dark(red, red)");
const variables = Object.entries(COLOURS).map(
  ([name, [light, dark]]) => `--${name}: var(--clinic-${name}, ${BOTH ? `light-dark(${light}, ${dark})` : light});`,
);

const STYLE = `
:host { display: block; ${variables.join("")} }
:host([hidden]), .box [hidden] { display: none; }
* { box-sizing: border-box; margin: 0; }
.box {
  padding: clamp(1em, 4%, 1.5em) max(clamp(.9em, 4%, 1.5em), env(safe-area-inset-right))
    clamp(1em, 4%, 1.5em) max(clamp(.9em, 4%, 1.5em), env(safe-area-inset-left));
  background: var(--panel); color: var(--text);
  border: 1px solid var(--line); border-radius: var(--clinic-radius, .3em);
  font: max(18px, 1.125rem)/1.5 var(--clinic-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  overflow-wrap: anywhere; text-align: start;
}
label { display: block; margin-bottom: .4em; font-weight: 650; }
.row { display: flex; flex-wrap: wrap; gap: .6em; }
input, button { font: inherit; min-height: max(48px, 2.75em); border: 2px solid var(--edge); border-radius: var(--clinic-radius, .3em); }
input { unicode-bidi: plaintext; flex: 999 1 11em; min-width: 0; padding: .4em .75em; background: var(--panel); color: inherit; }
input::placeholder { color: var(--soft); opacity: 1; }
button { flex: 1 0 auto; padding: .4em 1.4em; background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 650; cursor: pointer; }
button:hover { text-decoration: underline; text-underline-offset: .2em; }
:focus-visible { outline: 3px solid #16212a; box-shadow: 0 0 0 6px #ffd43b; border-radius: .2em; }
a, summary { color: var(--accent); text-underline-offset: .18em; }
a:hover { text-decoration-thickness: .14em; }
.result:not(:empty) { margin-top: 1.25em; }
.soft, .note { color: var(--soft); }
.note { margin-top: 1.25em; font-size: .8em; }
.told { margin-bottom: 1em; padding: .6em .8em; background: var(--tint); border-inline-start: .25em solid var(--edge); }
ol { list-style: none; padding: 0; }
li + li { margin-top: 1.4em; padding-top: 1.4em; border-top: 1px solid var(--line); }
h1, h2, h3, h4, h5, h6 { font-size: 1em; line-height: 1.35; font-weight: 650; }
.source { font-size: .85em; font-weight: 500; }
.source a { display: inline-block; padding-block: .3em; text-decoration-thickness: 1px; }
.governing, blockquote { padding-inline-start: .9em; border-inline-start: .25em solid var(--accent); color: var(--soft); white-space: pre-wrap; max-width: 40em; }
.source { margin-bottom: .35em; }
.governing { position: sticky; top: 0; background: var(--panel); }
blockquote { margin-bottom: .6em; }
strong { color: var(--text); font-size: 1.15em; line-height: 1.4; font-weight: 500; }
li:first-child strong { font-size: 1.3em; }
.facts { display: flex; flex-wrap: wrap; gap: 0 1.2em; font-size: .85em; color: var(--soft); }
.outcome { padding: 1em 1.1em; background: var(--tint); border-inline-start: .25em solid var(--edge); }
.outcome > * + * { margin-top: .5em; }
.outcome > :first-child { font-size: 1.2em; text-wrap: balance; }
.phone { display: inline-flex; align-items: center; min-height: max(44px, 2.5em); font-size: 1.15em; font-weight: 650; white-space: nowrap; }
summary { min-height: max(44px, 2.5em); padding-block: .6em; font-weight: 650; cursor: pointer; }
details { margin-top: .6em; }
details :is(.governing, blockquote) { border-color: var(--line); font-size: .95em; }
.away { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: no-preference) { .result > * { animation: come .15s; } @keyframes come { from { opacity: 0; } } }
@media (forced-colors: active) { :focus-visible { outline-color: Highlight; } button { border-color: ButtonText; } }
@media print { form, .note { display: none; } .governing { position: static; } }
`;

let sheet;

function styleSheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
  }
  return sheet;
}

// An element: its class is its part too, so that a page can style it.
function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  if (attributes.class && attributes.class !== "away") {
    made.setAttribute("part", attributes.class);
  }
  made.append(...children);
  return made;
}

// A failure is told by its kind; `wait` is in seconds, where the server says.
const failed = (kind, wait) => ({ failure: { kind, wait } });

// {answer} or {failure}; nothing is thrown.
async function request(url, question, signal) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ question, audience: "patient", limit: MOST_QUOTES }),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      cache: "no-store",
      redirect: "error",
      signal,
    });
    const body = await response.json();
    if (!response.ok) {
      return refusal(response, body.error?.code);
    }
    return isForPatients(body) ? { answer: body } : failed("wrong-address");
  } catch {
    if (signal.aborted) {
      return failed("late");
    }
    if (!response) {
      return failed(navigator.onLine ? "unreachable" : "offline");
    }
    return response.ok ? failed("wrong-address") : refusal(response);
  }
}

function refusal(response, code) {
  const { status } = response;
  if (status === 429 || status === 503) {
    const after = response.headers.get("Retry-After");
    const wait = after && Math.ceil(Number(after) || (Date.parse(after) - Date.now()) / 1000);
    const busy = status === 429 || code === "overloaded" || code === "deadline_exceeded";
    return failed(busy ? "busy" : "unavailable", wait > 0 && wait < A_DAY ? wait : 0);
  }
  if (status === 413 || status === 422) {
    return failed(status === 413 ? "long" : "refused");
  }
  return failed(status < 500 ? "wrong-address" : "broken");
}

// Whether it is an answer, from the patients' index, that quotes nothing meant for others.
function isForPatients(answer) {
  const quotes = [...answer.quotes, ...answer.related];
  const known = answer.outcome === "not_covered" || (answer.outcome === "answered" && answer.quotes.length > 0);
  return known && [answer, ...quotes.map((quote) => quote.citation)].every((each) => each.audience === "patient");
}

// The quote in pieces; put together they are its text. Offsets count code points, as strings of JavaScript don't.
function* pieces({ text, highlights }) {
  const points = Array.from(text);
  let position = 0;
  for (const [start, end] of [...highlights, [points.length, points.length]]) {
    yield [points.slice(position, start).join(""), false];
    yield [points.slice(start, end).join(""), true];
    position = end;
  }
}

class ClinicAnswers extends HTMLElement {
  static observedAttributes = Object.keys(WORDS);

  #parts;
  #regions;
  #pending;
  #timers = [];

  connectedCallback() {
    if (!this.#parts) {
      this.#build();
    }
    this.#label();
    if (document.readyState === "loading") {
      document.addEventListener("DOMContentLoaded", () => this.#label(), { once: true });
    }
  }

  attributeChangedCallback() {
    if (this.#parts) {
      this.#label();
    }
  }

  focus(options) {
    this.#parts?.input.focus(options);
  }

  // The form in the element is for when this cannot run: without a slot it is not shown. What was typed is taken over;
  // the field there must not take part in a form that the page has around the element.
  #build() {
    const typed = this.querySelector("[name=question]");
    const held = typed && typed === document.activeElement;
    const label = make("label", { class: "label", for: "question" });
    const input = make("input", {
      class: "input", id: "question", type: "text", autocomplete: "off", enterkeyhint: "search", spellcheck: "true",
    });
    const button = make("button", { class: "button" });
    const form = make("form", { class: "form", novalidate: "" }, label, make("div", { class: "row" }, input, button));
    const result = make("div", { class: "result" });
    const note = make("p", { class: "note" });
    this.#parts = { label, input, button, result, note };
    this.#regions = [0, 1].map(() => make("div", { class: "away", role: "status" }));
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styleSheet()];
    root.append(make("div", { class: "box" }, form, result, note, ...this.#regions));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask(input.value);
    });
    if (typed) {
      input.value = typed.value;
      typed.disabled = true;
    }
    if (held) {
      input.focus();
    }
  }

  #label() {
    const { label, input, button, note } = this.#parts;
    label.textContent = this.#say("label");
    input.placeholder = this.#say("placeholder");
    button.textContent = this.#say("ask");
    note.textContent = this.#say("note");
    note.hidden = !note.textContent;
  }

  // What the element says under a name, with the facts in their places.
  #say(name, facts = {}) {
    let own;
    try {
      own = JSON.parse(this.querySelector("script[type='application/json']")?.textContent);
    } catch {
      // A block that is no JSON, or none, replaces nothing.
    }
    const words = String(this.getAttribute(name) ?? own?.[name] ?? WORDS[name]);
    return words.replace(/\{(\w+)\}/g, (whole, fact) => facts[fact] ?? whole);
  }

  // A locale that the browser may refuse; plain English dates are written as the clinic's own pages write them.
  #format(use) {
    const language = this.closest("[lang]")?.lang || "en";
    try {
      return use(language === "en" ? "en-GB" : language);
    } catch {
      return use("en-GB");
    }
  }

  #stop() {
    this.#pending?.abort();
    this.#pending = undefined;
    this.#timers.forEach(clearTimeout);
  }

  async #ask(question) {
    this.#stop();
    const length = Array.from(question).length;
    if (!question.trim() || length > MOST_CHARACTERS) {
      this.#parts.input.focus();
      this.#settle(failed(question.trim() ? "long" : "empty"));
      return;
    }
    const base = this.#base();
    if (!base) {
      this.#settle(failed("wrong-address"));
      return;
    }
    const pending = new AbortController();
    this.#pending = pending;
    this.#timers = [
      setTimeout(() => pending.abort(), SECONDS_TO_ANSWER * 1000),
      setTimeout(() => this.#show(make("p", { class: "looking" }, this.#say("looking"))), SECONDS_UNTIL_LOOKING * 1000),
    ];
    const reply = await request(new URL("v1/ask", base), question, pending.signal);
    if (this.#pending === pending) {
      this.#stop();
      this.#settle(reply, base);
    }
  }

  // The folder of the service; nothing when `endpoint` is no web address. It is where this file came from unless set.
  #base() {
    try {
      const base = new URL(this.getAttribute("endpoint") ?? new URL(".", import.meta.url), document.baseURI);
      base.search = base.hash = "";
      base.pathname = base.pathname.replace(/\/*$/, "/");
      return /^https?:$/.test(base.protocol) ? base : undefined;
    } catch {
      return undefined;
    }
  }

  // One outcome is shown, announced once and told to the page; the page is told no word of the question.
  #settle({ answer, failure }, base) {
    let shown;
    if (answer) {
      try {
        shown = answer.outcome === "answered" ? this.#answered(answer, base) : this.#notCovered(answer, base);
      } catch {
        failure = { kind: "wrong-address" };
      }
    }
    shown = failure ? this.#failed(failure) : shown;
    this.#parts.input.setAttribute("aria-invalid", ["empty", "long"].includes(failure?.kind));
    this.#show(...shown.nodes);
    this.#announce(shown.said);
    this.dispatchEvent(new CustomEvent(`clinic-answers:${shown.event}`, { bubbles: true, composed: true, detail: shown.detail }));
  }

  // Focus that stood in what goes away moves to the box.
  #show(...nodes) {
    const { input, result } = this.#parts;
    if (result.contains(this.shadowRoot.activeElement)) {
      input.focus();
    }
    result.replaceChildren(...nodes);
  }

  // In two regions by turns: the same words twice are then heard twice.
  #announce(words) {
    this.#regions.reverse();
    this.#regions[0].textContent = words;
    this.#regions[1].textContent = "";
  }

  #answered(answer, base) {
    const quotes = answer.quotes.slice(0, MOST_QUOTES);
    const uncovered = this.#uncovered(answer);
    const told = [this.#readAs(answer), uncovered].filter(Boolean);
    const facts = { count: quotes.length, first: this.#title(quotes[0]) };
    return {
      nodes: [...told.map((words) => make("p", { class: "told" }, words)), this.#list(quotes, base, 0)],
      said: [this.#say(quotes.length === 1 ? "found-one" : "found", facts), uncovered].filter(Boolean).join(". "),
      event: "answered",
      detail: { quotes: quotes.length },
    };
  }

  #notCovered(answer, base) {
    const title = this.#say("not-covered");
    const told = [this.#readAs(answer), this.#uncovered(answer)].filter(Boolean);
    const related = answer.related.slice(0, MOST_QUOTES);
    const call = this.#call();
    const nodes = [this.#outcome("not-covered", title, told, call)];
    if (related.length) {
      const summary = make("summary", { class: "summary" }, this.#say("related"));
      nodes.push(make("details", { class: "related" }, summary, this.#list(related, base, 1)));
    }
    return {
      nodes,
      said: [`${title}.`, ...told, call.textContent].join(" "),
      event: "not-covered",
      detail: { related: related.length },
    };
  }

  #failed({ kind, wait }) {
    const title = this.#say(kind);
    const when = wait && this.#format((locale) => {
      const format = new Intl.RelativeTimeFormat(locale);
      return wait > 90 ? format.format(Math.ceil(wait / 60), "minute") : format.format(wait, "second");
    });
    const advice = when ? this.#say("retry", { when }) : this.#say(`${kind}-advice`);
    const call = this.#call();
    return {
      nodes: [this.#outcome("failure", title, [advice], call)],
      said: `${title}. ${advice} ${call.textContent}`,
      event: "error",
      detail: { kind },
    };
  }

  #outcome(kind, title, sentences, call) {
    const lines = sentences.filter(Boolean).map((words) => make("p", {}, words));
    const box = make("div", { class: "outcome" }, this.#heading(0, {}, title), ...lines, call);
    box.part.add(kind);
    return box;
  }

  #call() {
    const phone = this.getAttribute("phone");
    if (!phone) {
      return make("p", { class: "call" }, this.#say("call-unnumbered"));
    }
    const link = make("a", { class: "phone", href: `tel:${phone.replace(/[^+\d]/g, "")}` }, make("bdi", { dir: "ltr" }, phone));
    return make("p", { class: "call" }, `${this.#say("call")} `, link);
  }

  #uncovered({ not_covered_terms: terms }) {
    const quoted = terms.map((term) => `“${term}”`);
    const list = () => this.#format((locale) => new Intl.ListFormat(locale, { type: "disjunction" }).format(quoted));
    return terms.length ? this.#say("uncovered", { terms: list() }) : "";
  }

  #readAs({ read_as: changes }) {
    const said = changes.map((change) => this.#say("change", { typed: change.typed, read: change.read_as }));
    return said.length ? this.#say("read-as", { changes: said.join(", ") }) : "";
  }

  #heading(deeper, attributes, ...children) {
    const level = Number(this.getAttribute("heading-level")) || 3;
    return make(`h${Math.min(Math.max(level, 1) + deeper, 6)}`, attributes, ...children);
  }

  #title({ citation }) {
    return [citation.title, ...citation.heading_path].join(" › ");
  }

  #list(quotes, base, deeper) {
    const items = quotes.map((quote) => make("li", { class: "quote" }, ...this.#quote(quote, base, deeper)));
    return make("ol", { class: "quotes", role: "list" }, ...items);
  }

  // What is deeper is related, not an answer: nothing in it stands out.
  #quote(quote, base, deeper) {
    const { citation } = quote;
    const own = { lang: this.#say("quote-lang"), dir: "auto" };
    const marked = (text) => (deeper ? text : make("strong", { class: "answer" }, text));
    const above = quote.context.filter((slice) => slice.governing).map(({ text }) => make("p", {}, marked(text)));
    const governing = above.length ? [make("div", { class: "governing", ...own }, ...above)] : [];
    const words = make("blockquote", { class: "words", ...own });
    for (const [text, answers] of pieces(quote)) {
      words.append(answers && text ? marked(text) : text);
    }
    const date = this.#format((locale) =>
      new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC" }).format(new Date(citation.approved_on)),
    );
    const facts = make("p", { class: "facts" }, make("span", {}, this.#say("reviewed", { date })));
    if (citation.page) {
      facts.append(make("span", {}, this.#say("page", { page: citation.page })));
    }
    return [this.#heading(deeper, { class: "source", ...own }, this.#source(quote, base)), ...governing, words, facts];
  }

  // The title, as a link if that stays within the service.
  #source(quote, base) {
    const title = this.#title(quote);
    const url = new URL(String(quote.citation.link).replace(/^\/(?!\/)/, ""), base);
    if (!url.href.startsWith(base.href)) {
      return title;
    }
    const away = make("span", { class: "away" }, ` ${this.#say("new-tab")}`);
    return make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, title, away);
  }
}

if (!customElements.get("clinic-answers")) {
  customElements.define("clinic-answers", ClinicAnswers);
}

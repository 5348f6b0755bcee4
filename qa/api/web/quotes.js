// Quotes as elements. Text is put in as text nodes, in slices at code points: what the offsets of the API count.

const MONTHS = [
  "January", "February", "March", "April", "May", "June",
  "July", "August", "September", "October", "November", "December",
];

export const STAFF_ONLY = "Staff only: do not read to patients";

let shown = 0;

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// "2026-11-20" as people write it: 20 November 2026.
export function day(date) {
  const [year, month, number] = date.slice(0, 10).split("-").map(Number);
  return `${number} ${MONTHS[month - 1]} ${year}`;
}

export function heading(citation) {
  return [citation.title, ...citation.heading_path].join(" › ");
}

// Put together in order, the pieces are the quote, to the character.
export function pieces(quote) {
  const points = Array.from(quote.text);
  const cut = (start, end) => points.slice(start, end).join("");
  const made = [];
  let position = 0;
  for (const [start, end] of quote.highlights) {
    made.push({ text: cut(position, start), answers: false }, { text: cut(start, end), answers: true });
    position = end;
  }
  made.push({ text: cut(position), answers: false });
  return made.filter((piece) => piece.text);
}

// What turns the meaning of a quote, and is shown and copied wherever the quote is.
function governing(quote) {
  return quote.context.filter((slice) => slice.governing).map((slice) => slice.text);
}

export function reviewIsDue(citation, dueDays) {
  const horizon = new Date();
  horizon.setDate(horizon.getDate() + dueDays);
  const [year, month, number] = citation.review_by.split("-").map(Number);
  return new Date(year, month - 1, number) <= horizon;
}

export function plainCitation(quote) {
  const { citation } = quote;
  const page = citation.page ? `, page ${citation.page}` : "";
  const warning = citation.audience === "staff" ? "STAFF ONLY: do not read to patients\n" : "";
  const approval = `Approved by ${citation.approved_by} on ${day(citation.approved_on)}; next review ${day(citation.review_by)}`;
  const link = new URL(citation.link, location.origin).href;
  const words = [...governing(quote), quote.text].join("\n");
  return `${warning}${words}\n\n${heading(citation)}${page}\n${approval}\n${link}`;
}

function facts(citation, dueDays) {
  const line = element("p", { class: "facts" });
  const time = (date) => element("time", { datetime: date }, day(date));
  if (citation.audience !== "staff") {
    line.append(element("span", { class: "badge" }, "For patients"), " ");
  }
  if (citation.page) {
    line.append(element("span", {}, `Page ${citation.page}`), " ");
  }
  line.append(element("span", {}, `Approved by ${citation.approved_by}, `, time(citation.approved_on)), " ");
  const due = reviewIsDue(citation, dueDays);
  line.append(element("span", due ? { class: "due" } : {}, due ? "Review due " : "Next review ", time(citation.review_by)));
  return line;
}

// One quote: its heading leads to the source; `tools` are buttons that belong to it.
export function quoteElement(quote, { dueDays, level = 2, related = false, tools = [] }) {
  const { citation } = quote;
  const staff = citation.audience === "staff";
  const id = `words-${(shown += 1)}`;
  const above = governing(quote);
  const article = element("article", {
    class: `quote${staff ? " staff" : ""}${related ? " related" : ""}`,
    tabindex: "-1",
    "aria-label": `${staff ? `${STAFF_ONLY}. ` : ""}${heading(citation)}`,
    "aria-describedby": above.length ? `${id}-governing ${id}` : id,
  });
  const link = element("a", { href: citation.link, target: "_blank", rel: "noopener" }, heading(citation));
  link.append(element("span", { class: "away" }, " (opens in a new tab)"));
  article.append(element(`h${level}`, { class: "source" }, link));
  if (staff) {
    const warning = element("strong", { class: "badge staff" }, STAFF_ONLY);
    article.append(element("p", { class: "staffwarning" }, warning));
  }
  if (above.length) {
    const lines = above.map((text) => element("p", {}, related ? text : element("strong", {}, text)));
    article.append(element("div", { class: "governing", id: `${id}-governing` }, ...lines));
  }
  const words = element("blockquote", { class: "words", id });
  for (const piece of related ? [{ text: quote.text }] : pieces(quote)) {
    words.append(element(piece.answers ? "strong" : "span", {}, piece.text));
  }
  article.append(words, facts(citation, dueDays));
  if (tools.length) {
    article.append(element("div", { class: "tools" }, ...tools));
  }
  return article;
}

export function quoteList(quotes, options) {
  const list = element("ol", { class: "quotes", role: "list" });
  list.append(...quotes.map((quote) => element("li", {}, quoteElement(quote, options(quote)))));
  return list;
}

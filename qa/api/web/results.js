// What stands under the box: hints, quotes, "no approved text answers this", or a failure with the phone number.

import { element, heading, plainCitation, quoteElement, quoteList, STAFF_ONLY } from "./quotes.js";

const FAILURES = {
  offline: ["The service cannot be reached", "Check the connection. The question is asked again as soon as it is back."],
  late: ["No reply came in time", "Ask again."],
  overloaded: ["Too many questions at once", "Ask again in a few seconds."],
  unready: ["Answers are not available now", "The question is asked again as soon as they are."],
  refused: ["This question could not be read", ""],
  broken: ["Something went wrong", "The server’s log says what. Ask again."],
};

const main = document.getElementById("main");
const hints = document.querySelector(".hints");
const dueDays = Number(main.dataset.reviewDueDays);

export function showHints(results) {
  put(results, hints);
}

export function showNothing(results) {
  put(results);
}

// Focus that stood in what goes away moves to the box.
function put(results, ...parts) {
  const held = results.contains(document.activeElement);
  results.replaceChildren(...parts);
  if (held) {
    document.getElementById("question").focus();
  }
}

function uncovered({ not_covered_terms: terms }) {
  return terms.length ? `No approved text mentions ${terms.map((term) => `“${term}”`).join(", ")}.` : "";
}

// What is announced of an answer.
export function describe(answer) {
  if (answer.outcome === "not_covered") {
    const terms = answer.not_covered_terms.length ? ` Not covered: ${answer.not_covered_terms.join(", ")}.` : "";
    return `No approved text answers this.${terms} Transfer the call or take a message.`;
  }
  const count = answer.quotes.length;
  const found = `${count} ${count === 1 ? "passage" : "passages"} found, first: ${heading(answer.quotes[0].citation)}.`;
  const warning = answer.quotes[0].citation.audience === "staff" ? ` ${STAFF_ONLY}.` : "";
  return `${found}${warning} ${uncovered(answer)}`.trim();
}

export function showAnswer(results, answer) {
  const parts = [];
  if (answer.read_as.length) {
    const changes = answer.read_as.map((change) => `“${change.typed}” as “${change.read_as}”`);
    parts.push(element("p", { class: "readas" }, `Read ${changes.join(", ")}.`));
  }
  parts.push(...(answer.outcome === "answered" ? answered(answer) : notCovered(answer)));
  put(results, ...parts);
}

function answered(answer) {
  const told = uncovered(answer);
  const quotes = quoteList(answer.quotes, (quote) => ({ dueDays, tools: toolsOf(quote) }));
  return told ? [element("p", { class: "readas" }, told), quotes] : [quotes];
}

function notCovered(answer) {
  const outcome = element("div", { class: "notcovered" }, element("h2", {}, "No approved text answers this"));
  if (answer.not_covered_terms.length) {
    const line = element("p", {}, "Not covered: ");
    answer.not_covered_terms.forEach((term, number) => line.append(number ? ", " : "", element("b", { class: "term" }, term)));
    outcome.append(line);
  }
  outcome.append(element("p", { class: "next" }, "Transfer the call or take a message."));
  if (!answer.related.length) {
    return [outcome];
  }
  const list = quoteList(answer.related, () => ({ dueDays, level: 3, related: true }));
  return [outcome, element("details", { class: "aside" }, element("summary", {}, "Related, not an answer"), list)];
}

// Shows what failed and what to do, and returns what is announced.
export function showFailure(results, failure, askAgain) {
  const [title, advice] = FAILURES[failure.kind] ?? FAILURES.broken;
  const box = element("div", { class: "failure" }, element("h2", {}, title));
  const said = (failure.kind && failure.message) || advice;
  box.append(element("p", {}, said));
  const { phone } = main.dataset;
  const call = element("p", { class: "next" }, "Phone for patients: ");
  if (phone) {
    call.append(element("a", { class: "tel", href: `tel:${phone.replace(/[^+0-9]/g, "")}` }, phone));
    box.append(call);
  }
  const again = element("button", { type: "button" }, "Ask again");
  again.addEventListener("click", askAgain);
  box.append(element("p", {}, again));
  put(results, box);
  return `${title}. ${said} ${phone ? call.textContent : ""}`;
}

function toolsOf(quote) {
  const copy = element("button", { type: "button", class: "plain" }, "Copy with citation");
  copy.addEventListener("click", () => copyQuote(quote, copy));
  const print = element("button", { type: "button", class: "plain" }, "Print");
  print.addEventListener("click", () => printQuote(quote));
  return [copy, print];
}

// The button says that it is done, since nothing else shows it.
async function copyQuote(quote, button) {
  const done = await copied(plainCitation(quote));
  button.textContent = done ? "Copied" : "Could not copy";
  button.dispatchEvent(new CustomEvent("said", { bubbles: true, detail: button.textContent }));
  setTimeout(() => (button.textContent = "Copy with citation"), 2000);
}

// The clipboard is there on https and on this machine only; elsewhere the older way is left.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const focused = document.activeElement;
    const area = element("textarea", { class: "away", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return done;
  }
}

function printQuote(quote) {
  document.getElementById("sheet")?.remove();
  const sheet = element("section", { id: "sheet" }, quoteElement(quote, { dueDays }));
  const link = new URL(quote.citation.link, location.origin).href;
  const hash = `SHA-256 of the text ${quote.citation.document_sha256}`;
  sheet.append(element("p", { class: "facts" }, `${main.dataset.clinic} · ${link} · ${hash}`));
  document.body.append(sheet);
  document.body.classList.add("printing");
  const end = () => {
    document.body.classList.remove("printing");
    sheet.remove();
  };
  addEventListener("afterprint", end, { once: true });
  print();
}

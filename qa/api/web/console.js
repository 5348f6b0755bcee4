// The front desk's console: answers as one types, and everything from the keyboard.

import { ask } from "./service.js";
import { describe, showAnswer, showFailure, showHints, showNothing } from "./results.js";
import { Announcer } from "./announcer.js";
import { Watch } from "./watch.js";
import { bindKeys } from "./keys.js";

const TYPING_MS = 150;
const SETTLED_MS = 700;
const SLOW_MS = 300;

const form = document.querySelector("form.ask");
const box = document.getElementById("question");
const results = document.getElementById("results");
const progress = document.getElementById("progress");
const announcer = new Announcer(document.getElementById("status-1"), document.getElementById("status-2"));

let sequence = 0;
let controller = new AbortController();
let typing = 0;
let failed = false;

function audience() {
  return form.elements.audience.value;
}

function forget() {
  sequence += 1;
  controller.abort();
  clearTimeout(typing);
  progress.textContent = "";
  results.removeAttribute("aria-busy");
}

// A reply counts only while its question is the newest one.
async function askNow(settledAfter) {
  forget();
  const own = sequence;
  const question = box.value.trim();
  if (!question) {
    failed = false;
    announcer.cancel();
    showHints(results);
    return;
  }
  watch.newsIsOld();
  controller = new AbortController();
  results.setAttribute("aria-busy", "true");
  const slow = setTimeout(looking, SLOW_MS);
  let said = "";
  try {
    const answer = await ask(question, audience(), controller);
    if (own !== sequence) {
      return;
    }
    failed = false;
    showAnswer(results, answer);
    said = describe(answer);
  } catch (error) {
    if (own !== sequence) {
      return;
    }
    failed = true;
    said = showFailure(results, error, () => askNow(0));
    if (watch.missed(error.kind)) {
      said = "";
    }
  } finally {
    clearTimeout(slow);
  }
  progress.textContent = "";
  results.removeAttribute("aria-busy");
  announcer.say(said, settledAfter);
}

// The answer to another question must not stand beside this one.
function looking() {
  progress.textContent = "Looking…";
  showNothing(results);
}

const watch = new Watch(document.getElementById("banner"), () => {
  if (failed) {
    askNow(0);
  }
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  askNow(0);
});
box.addEventListener("input", () => {
  clearTimeout(typing);
  announcer.cancel();
  typing = setTimeout(() => askNow(SETTLED_MS), TYPING_MS);
});
form.addEventListener("change", (event) => {
  if (event.target.name === "audience") {
    askNow(0);
  }
});

bindKeys({ box, results, announcer });
watch.start();
box.focus();

// Looks after the server: a banner, which is announced, when something is wrong or a new index arrived.

import { readiness } from "./service.js";
import { day, element } from "./quotes.js";

const LOOK_MS = 15_000;
const LOOK_AGAIN_MS = 2_000;
const LOOK_AFTER_MISS_MS = 4_000;
const NEWS_MS = 60_000;
const NEWS = "A new index arrived. An answer that is on the screen came from the one before: ask again.";

const MESSAGES = {
  offline: "The service cannot be reached.",
  unready: "The service cannot answer now.",
  degraded: "A newer index was refused. Answers come from the one before; tell whoever looks after the index.",
};

export class Watch {
  constructor(banner, whenBack) {
    this.banner = banner;
    this.whenBack = whenBack;
    this.phone = document.getElementById("main").dataset.phone;
    this.generation = document.getElementById("generation");
    this.built = document.getElementById("built");
    this.state = "ready";
    this.shown = "";
    this.newsUntil = 0;
    this.timer = 0;
    this.looking = false;
  }

  start() {
    this.look();
    addEventListener("online", () => this.look());
    addEventListener("offline", () => this.look());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.look());
  }

  async look() {
    if (this.looking) {
      return;
    }
    this.looking = true;
    const found = await readiness();
    this.looking = false;
    const answers = (state) => state === "ready" || state === "degraded";
    const isBack = answers(found.state) && !answers(this.state);
    this.state = found.state;
    if (answers(found.state)) {
      this.compare(found);
    }
    this.show();
    this.lookIn(answers(found.state) ? LOOK_MS : LOOK_AGAIN_MS);
    if (isBack) {
      this.whenBack();
    }
  }

  lookIn(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), milliseconds);
  }

  // A question failed. Where the server was not there for it, this says so if it did not yet; the next look that finds
  // the server has the question asked again.
  missed(kind) {
    if (kind !== "offline" && kind !== "unready") {
      return false;
    }
    const before = this.shown;
    this.state = kind;
    this.show();
    this.lookIn(LOOK_AFTER_MISS_MS);
    return this.shown !== before;
  }

  newsIsOld() {
    this.newsUntil = 0;
    this.show();
  }

  compare({ generation, builtAt }) {
    const known = this.generation.textContent;
    if (generation !== known) {
      this.generation.textContent = generation;
      this.built.dateTime = builtAt;
      this.built.textContent = day(builtAt);
      this.newsUntil = Date.now() + NEWS_MS;
    }
  }

  show() {
    const news = Date.now() < this.newsUntil ? NEWS : "";
    const phone = this.phone ? ` Phone for patients: ${this.phone}.` : "";
    const failing = this.state === "offline" || this.state === "unready";
    const message = (MESSAGES[this.state] ?? news) + (failing ? phone : "");
    if (message !== this.shown) {
      this.shown = message;
      this.banner.replaceChildren(...(message ? [element("p", {}, message)] : []));
    }
  }
}

"""How long the front desk's page takes from a keystroke to the painted answer, beyond its own pause for typing.

Serves an index, opens its page in Chromium (CHROMIUM names it), puts each question into the box and gives it one
keystroke. The time runs to the frame after the results have changed. Prints a line of JSON.

    python -m scripts.bench.page --index DIR --questions QUERIES.jsonl [--limit N]
"""

import argparse
import json
import os
from pathlib import Path

from playwright.sync_api import sync_playwright

from scripts.bench.service import QA, Probe, free_port, serving

TYPING_MILLISECONDS = 150
"""What the page waits for another keystroke (`console.js`)."""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
KEYSTROKE = """
question => new Promise(painted => {
  const box = document.getElementById("question");
  const results = document.getElementById("results");
  box.value = question;
  const watcher = new MutationObserver(changes => {
    if (!results.hasChildNodes() || !changes.some(change => change.type === "childList")) return;
    watcher.disconnect();
    requestAnimationFrame(() => setTimeout(() => painted(performance.now() - pressed)));
  });
  watcher.observe(results, { childList: true, subtree: true });
  const pressed = performance.now();
  box.dispatchEvent(new InputEvent("input", { bubbles: true }));
})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=100)
    arguments = parser.parse_args()
    with arguments.questions.open(encoding="utf-8") as stream:
        questions = [json.loads(line)["text"] for line in stream][: arguments.limit]
    port = free_port()
    command = [*QA, "serve", "--index", str(arguments.index), "--port", str(port)]
    probe = Probe("/readyz")
    with serving(command, port, probe, probe), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=ARGUMENTS
        )
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        times = sorted(page.evaluate(KEYSTROKE, question) - TYPING_MILLISECONDS for question in questions)
        browser.close()
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    figures = {name: round(times[min(len(times) - 1, int(share * len(times)))], 1) for name, share in shares.items()}
    print(json.dumps({"questions": len(times), "milliseconds_beyond_the_pause": figures}))


if __name__ == "__main__":
    main()

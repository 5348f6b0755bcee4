// The keys of the console. Single characters do something only where no text is being typed, and can be switched off.

export function bindKeys({ box, results, announcer }) {
  const dialog = document.getElementById("keys");
  const single = document.getElementById("single-keys");
  const opener = document.getElementById("show-keys");
  let current = null;

  const quotes = () => [...results.querySelectorAll("article.quote")].filter((quote) => !quote.closest("details:not([open])"));

  function toBox() {
    box.focus();
    box.select();
  }

  function showKeys() {
    const before = document.activeElement;
    dialog.showModal();
    dialog.addEventListener("close", () => (before?.isConnected ? before : box).focus(), { once: true });
  }

  // Where an arrow leads: to a quote, to the box before the first of them, nowhere after the last.
  function beyond(step) {
    const all = quotes();
    const next = all.indexOf(document.activeElement.closest("article.quote")) + step;
    return all.length && next < 0 ? box : all[next];
  }

  function move(next) {
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  // The quote that a key means: the one in which the focus is, else the last one it was in, else the first.
  function meant() {
    return document.activeElement.closest("article.quote") ?? (current?.isConnected ? current : quotes()[0]);
  }

  const singles = {
    "/": toBox,
    "?": showKeys,
    c: () => meant()?.querySelector(".tools button")?.click(),
  };

  opener.hidden = false;
  document.getElementById("keys-in-short").hidden = false;
  opener.addEventListener("click", showKeys);
  results.addEventListener("focusin", (event) => (current = event.target.closest("article.quote")));
  results.addEventListener("said", (event) => announcer.say(event.detail));

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialog.open) {
      return;
    }
    const target = event.target;
    const writes = target === box;
    const act = (action) => {
      event.preventDefault();
      action();
    };
    if (event.key === "Escape") {
      act(toBox);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !target.matches("input[type=radio]")) {
      const within = writes || target === document.body || results.contains(target);
      const next = within && beyond(event.key === "ArrowDown" ? 1 : -1);
      if (next && next !== target) {
        act(() => (next === box ? toBox() : move(next)));
      }
    } else if (event.key === "Enter" && target.matches("article.quote")) {
      act(() => target.querySelector(".source a").click());
    } else if (!writes && single.checked && Object.hasOwn(singles, event.key)) {
      act(singles[event.key]);
    }
  });
}

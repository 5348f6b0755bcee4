// The document page: marks the cited passage and brings it into view; says so where the text has no such passage now.

const changed = document.getElementById("changed");

function unmark() {
  for (const mark of document.querySelectorAll("mark.cited")) {
    mark.replaceWith(...mark.childNodes);
  }
}

// Offsets of a text that was changed since would mark other words than were cited: only passages of this one are marked.
function showCited() {
  unmark();
  const anchor = location.hash.slice(1);
  const isPassage = /^p-\d+-\d+$/.test(anchor);
  const passage = isPassage && document.getElementById(anchor);
  changed.hidden = !isPassage || Boolean(passage);
  if (passage) {
    const mark = document.createElement("mark");
    mark.className = "cited";
    mark.append(...passage.childNodes);
    passage.append(mark);
    passage.tabIndex = -1;
    passage.focus({ preventScroll: true });
    passage.scrollIntoView({ block: "start" });
  }
}

addEventListener("hashchange", showCited);
showCited();

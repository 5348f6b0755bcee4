// The document page: marks the cited passage and brings it into view, also where it is no passage of the index.

const article = document.getElementById("text");

function citedRange() {
  const found = /^#p-(\d{1,9})-(\d{1,9})$/.exec(location.hash);
  return found && { start: Number(found[1]), end: Number(found[2]) };
}

function unmark() {
  for (const mark of article.querySelectorAll("mark.cited")) {
    const parent = mark.parentNode;
    mark.replaceWith(...mark.childNodes);
    parent.normalize();
  }
}

// The text nodes of the article with where each begins, in code points: what an offset of the API counts.
function* textNodes() {
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  let position = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const points = Array.from(node.data);
    yield { node, points, position };
    position += points.length;
  }
}

function marked({ node, points, position }, start, end) {
  const from = Math.max(0, start - position);
  const to = Math.min(points.length, end - position);
  const before = points.slice(0, from).join("").length;
  const length = points.slice(from, to).join("").length;
  const own = node.splitText(before);
  own.splitText(length);
  const mark = document.createElement("mark");
  mark.className = "cited";
  own.replaceWith(mark);
  mark.append(own);
  return mark;
}

function showCited() {
  unmark();
  const range = citedRange();
  if (!range || range.end <= range.start) {
    return;
  }
  const touched = [...textNodes()].filter(
    ({ node, points, position }) =>
      position < range.end && position + points.length > range.start && !node.parentElement.classList.contains("gap"),
  );
  const marks = touched.map((each) => marked(each, range.start, range.end));
  const target = document.getElementById(location.hash.slice(1)) ?? marks[0];
  if (target) {
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "start" });
  }
}

addEventListener("hashchange", showCited);
showCited();

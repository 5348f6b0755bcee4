// The snippet with this service's own address, and a button that copies it.

const snippet = document.getElementById("snippet");
const copy = document.getElementById("copy");
const copied = document.getElementById("copied");

snippet.textContent = snippet.textContent.replaceAll("https://qa.clinic.example", location.origin);
copy.hidden = !navigator.clipboard;
copy.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(snippet.textContent);
    copied.textContent = "Copied";
  } catch {
    copied.textContent = "Could not copy: select the lines and copy them.";
  }
});

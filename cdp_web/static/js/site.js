// Behaviour of every page: filters that submit on change, questions before risky actions, announcements of failed htmx requests.
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-submit-on-change]");
  if (form) form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset?.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

function announce(text) {
  const region = document.getElementById("announcements");
  if (region) region.textContent = text;
}

document.addEventListener("htmx:responseError", () => announce("The page could not be updated. Reload it."));
document.addEventListener("htmx:sendError", () => announce("The site does not answer. Check the connection and reload the page."));
document.addEventListener("htmx:afterRequest", (event) => event.detail.successful && announce(""));

// A table that is larger than its frame is scrolled by keyboard too.
function markScrollable() {
  for (const frame of document.querySelectorAll(".table-scroll")) {
    const scrolls = frame.scrollWidth > frame.clientWidth || frame.scrollHeight > frame.clientHeight;
    frame.tabIndex = scrolls ? 0 : -1;
  }
}
markScrollable();
window.addEventListener("resize", markScrollable);
document.addEventListener("htmx:afterSwap", markScrollable);
document.addEventListener("toggle", markScrollable, true);

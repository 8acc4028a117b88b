// Small habits of every page: filters that submit themselves, questions before what can't be undone, failed htmx requests said aloud.
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-submit-on-change]");
  if (form) form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset?.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

function say(text) {
  const region = document.getElementById("announcements");
  if (region) region.textContent = text;
}

document.addEventListener("htmx:responseError", () => say("The page could not be brought up to date. Load it again."));
document.addEventListener("htmx:sendError", () => say("The site does not answer. Check the connection and load the page again."));
document.addEventListener("htmx:afterRequest", (event) => event.detail.successful && say(""));

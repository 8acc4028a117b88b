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

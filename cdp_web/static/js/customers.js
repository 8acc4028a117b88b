// The customer list and the page of one customer: menus that close, suggestions of values, and searches within the page.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.popover[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.popover[open]")) {
    const hadFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (hadFocus) menu.querySelector("summary").focus();
  }
});

// The search replaces the list, so what the menu of views would save follows the address.
document.addEventListener("htmx:pushedIntoHistory", () => {
  const field = document.querySelector("[data-current-parameters]");
  if (field) field.value = location.search.slice(1);
});

const timers = new WeakMap();

async function suggest(input) {
  const answer = await fetch(`${input.dataset.suggest}&q=${encodeURIComponent(input.value)}`);
  if (!answer.ok) return;
  const { values } = await answer.json();
  const options = values.map(({ value, customers }) => {
    const option = document.createElement("option");
    option.value = value;
    option.label = `${value} (${customers.toLocaleString(document.documentElement.lang)})`;
    return option;
  });
  input.list.replaceChildren(...options);
}

function narrow(input) {
  const place = document.querySelector(input.dataset.narrow);
  const words = input.value.toLowerCase().split(/\s+/);
  for (const entry of place.querySelectorAll("[data-narrow-text]")) {
    entry.hidden = !words.every((word) => entry.dataset.narrowText.includes(word));
  }
  hideEmptyGroups(place);
}

// Inner groups come later in the document, so the last are looked at first.
function hideEmptyGroups(place) {
  for (const group of [...place.querySelectorAll("[data-narrow-group]")].reverse()) {
    group.hidden = !group.querySelector("[data-narrow-text]:not([hidden])");
  }
}

function filterTimeline(tools) {
  const place = tools.parentElement;
  const types = new Set([...tools.querySelectorAll("[data-timeline-type]:checked")].map((box) => box.value));
  const words = tools.querySelector("[data-timeline-search]").value.toLowerCase().split(/\s+/);
  const moments = [...place.querySelectorAll(".moment")];
  for (const moment of moments) {
    moment.hidden = !types.has(moment.dataset.type) || !words.every((word) => moment.dataset.narrowText.includes(word));
  }
  hideEmptyGroups(place);
  place.querySelector("[data-timeline-none]").hidden = moments.some((moment) => !moment.hidden);
}

document.addEventListener("input", (event) => {
  const input = event.target;
  const tools = input.closest("[data-timeline-tools]");
  if (tools) filterTimeline(tools);
  if (input.dataset.narrow) narrow(input);
  if (input.dataset.suggest) {
    clearTimeout(timers.get(input));
    timers.set(input, setTimeout(suggest, 200, input));
  }
});

document.addEventListener("focusin", (event) => {
  if (event.target.dataset?.suggest && !event.target.list.options.length) suggest(event.target);
});

for (const tools of document.querySelectorAll("[data-timeline-tools]")) tools.hidden = false;

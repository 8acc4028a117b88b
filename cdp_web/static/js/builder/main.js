// The rule builder: holds and draws the tree, and updates the hidden field and the live count.
import { icon } from "./dom.js";
import { requestCount, showIdle } from "./preview.js";
import { decode, encode, isGroup, newCondition, nodeAt, walk } from "./tree.js";
import { drawTree } from "./view.js";

const data = JSON.parse(document.getElementById("builder-data").textContent);
const place = document.getElementById("builder");
const form = document.getElementById("segment-form");
const context = {
  root: decode(data.document),
  fields: new Map(data.catalogue.map((field) => [field.key, field])),
  currency: data.currency,
  maxDepth: 4,
  changed,
};
let encoded = { document: data.document, places: new Map() };
let isDirty = false;

function changed({ focus } = {}) {
  isDirty = true;
  if (focus) draw(focus);
  clearProblems();
  write();
  count();
}

function draw(focus) {
  place.replaceChildren(drawTree(context));
  if (focus) focusOn(...focus);
}

function focusOn(id, name) {
  const node = place.querySelector(`[data-node="${id}"]`);
  const own = (element) => element.closest("[data-node]") === node;
  const target = [...(node?.querySelectorAll(`[data-focus="${name}"]`) ?? [])].find(own);
  (target ?? [...(node?.querySelectorAll("[data-focus]") ?? [])].filter(own).at(-1))?.focus();
}

function write() {
  encoded = encode(context.root, context.fields);
  form.elements.rule.value = JSON.stringify(encoded.document);
}

// Empty groups and conditions without a metric. The server checks everything else.
function unfinished() {
  return [...walk(context.root)].filter((node) => (isGroup(node) ? node.children.length === 0 : !node.field));
}

function count() {
  setCounts(new Map());
  if (unfinished().length) return showIdle("Choose a metric for every condition to see how many customers match.");
  const places = encoded.places;
  return requestCount(
    data.preview,
    { rule: encoded.document, segment: data.segment },
    form.elements.csrfmiddlewaretoken.value,
    (answer, problems) => {
      if (answer) setCounts(new Map(answer.nodes.map((node) => [node.path, node.count])), places);
      showProblems(problems, places);
    },
  );
}

function setCounts(counts, places = new Map()) {
  for (const element of place.querySelectorAll("[data-node]")) {
    const number = counts.get(places.get(Number(element.dataset.node)));
    const badge = element.querySelector(":scope > .node-head .node-count");
    badge.replaceChildren(...(number === undefined ? [] : [icon("users"), number.toLocaleString("en")]));
    badge.title = number === undefined ? "" : "Customers who match this on its own";
  }
}

function clearProblems() {
  for (const element of place.querySelectorAll(".node-error")) element.hidden = true;
  for (const element of place.querySelectorAll("[aria-invalid]")) element.removeAttribute("aria-invalid");
}

function showProblems(problems, places) {
  clearProblems();
  for (const { path, says } of problems) {
    const node = place.querySelector(`[data-node="${nodeAt(path, places) ?? context.root.id}"]`);
    const line = node.querySelector(":scope > .node-error");
    line.textContent = says.charAt(0).toUpperCase() + says.slice(1);
    line.hidden = false;
    node.querySelector(":scope > .node-head [data-focus^=value]")?.setAttribute("aria-invalid", "true");
  }
}

function start() {
  if (context.root.children.length === 0) context.root.children.push(newCondition());
  draw();
  write();
  count();
  if (data.problems.length) showProblems(data.problems, encoded.places);
}

form.addEventListener("submit", (event) => {
  const incomplete = unfinished();
  if (incomplete.length === 0) {
    isDirty = false;
    return;
  }
  event.preventDefault();
  showProblems(
    incomplete.map((node) => ({
      path: encoded.places.get(node.id),
      says: isGroup(node) ? "Add a condition to this group, or remove it." : "Choose a metric.",
    })),
    encoded.places,
  );
  focusOn(incomplete[0].id, isGroup(incomplete[0]) ? "add" : "field");
});
form.addEventListener("input", () => {
  isDirty = true;
});
window.addEventListener("beforeunload", (event) => {
  if (isDirty) event.preventDefault();
});

start();

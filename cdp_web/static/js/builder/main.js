// The rule builder: holds the tree, draws it, keeps the hidden field and the live count in step with it.
import { icon } from "./dom.js";
import { ask, rest } from "./preview.js";
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
let written = { document: data.document, places: new Map() };
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
  const wanted = [...(node?.querySelectorAll(`[data-focus="${name}"]`) ?? [])].find(own);
  (wanted ?? [...(node?.querySelectorAll("[data-focus]") ?? [])].filter(own).at(-1))?.focus();
}

function write() {
  written = encode(context.root, context.fields);
  form.elements.rule.value = JSON.stringify(written.document);
}

// What only the builder knows: a condition whose metric is still to be chosen. The rest is the server's to judge.
function unfinished() {
  return [...walk(context.root)].filter((node) => (isGroup(node) ? node.children.length === 0 : !node.field));
}

function count() {
  setCounts(new Map());
  if (unfinished().length) return rest("Choose a metric for every condition to see how many customers fit.");
  const asked = written.places;
  return ask(
    data.preview,
    { rule: written.document, segment: data.segment },
    form.elements.csrfmiddlewaretoken.value,
    (answer, problems) => {
      if (answer) setCounts(new Map(answer.nodes.map((node) => [node.path, node.count])), asked);
      showProblems(problems, asked);
    },
  );
}

function setCounts(counts, places = new Map()) {
  for (const element of place.querySelectorAll("[data-node]")) {
    const found = counts.get(places.get(Number(element.dataset.node)));
    const badge = element.querySelector(":scope > .node-head .node-count");
    badge.replaceChildren(...(found === undefined ? [] : [icon("users"), found.toLocaleString("en")]));
    badge.title = found === undefined ? "" : "Customers who fit this on its own";
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
  if (data.problems.length) showProblems(data.problems, written.places);
}

form.addEventListener("submit", (event) => {
  const open = unfinished();
  if (open.length === 0) {
    isDirty = false;
    return;
  }
  event.preventDefault();
  showProblems(
    open.map((node) => ({
      path: written.places.get(node.id),
      says: isGroup(node) ? "Add a condition to this group, or remove it." : "Choose a metric.",
    })),
    written.places,
  );
  focusOn(open[0].id, isGroup(open[0]) ? "add" : "field");
});
form.addEventListener("input", () => {
  isDirty = true;
});
window.addEventListener("beforeunload", (event) => {
  if (isDirty) event.preventDefault();
});

start();

// The marks on the tree: counts beside the nodes, problems at their controls, and the focus.
import { icon, interpolateText } from "./dom.js";
import { formatCount } from "./formats.js";
import { isWithin, nodeAt, pathBelow } from "./tree.js";

const place = document.getElementById("builder");

const findNode = (id) => place.querySelector(`[data-node="${id}"]`);

function listControls(node) {
  return [...(node?.querySelectorAll("[data-focus]") ?? [])].filter((control) => control.closest("[data-node]") === node);
}

// The control of a path below its node: the nearest one at or above it, else the first one below it.
function findControl(node, path) {
  const controls = path ? listControls(node) : [];
  const above = controls.filter((control) => isWithin(path, control.dataset.focus));
  const length = (control) => control.dataset.focus.length;
  const [nearest] = above.sort((one, other) => length(other) - length(one));
  return nearest ?? controls.find((control) => isWithin(control.dataset.focus, path));
}

export function focusOn(id, path) {
  const node = findNode(id);
  (findControl(node, path) ?? listControls(node).at(-1))?.focus();
}

// `nodes` are the counts of the server: alone, and in place where the conditions before it apply first.
export function showCounts(nodes = [], places = new Map()) {
  const counts = new Map(nodes.map((node) => [node.path, node]));
  for (const element of place.querySelectorAll("[data-node]"))
    showCount(element, counts.get(places.get(Number(element.dataset.node))));
}

function showCount(element, node) {
  const [alone, left] = element.querySelector(":scope > .node-head .node-counts").children;
  alone.replaceChildren(...(node ? [icon("users"), formatCount(node.count)] : []));
  alone.title = node ? gettext("Customers who match this on its own") : "";
  const differs = node && Number.isInteger(node.in_place) && node.in_place !== node.count;
  left.textContent = differs ? interpolateText(gettext("→ %(count)s left"), { count: formatCount(node.in_place) }) : "";
  left.title = differs ? gettext("Customers left when this is applied after the conditions before it") : "";
}

export function clearProblems() {
  for (const line of place.querySelectorAll(".node-error")) line.hidden = true;
  for (const control of place.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
}

// A problem is {path, says}: the path of the document. It is shown at its node, and its control is marked.
export function showProblems(problems, places, rootId) {
  clearProblems();
  for (const { path, says } of problems) {
    const id = nodeAt(path, places) ?? rootId;
    const node = findNode(id);
    const line = node.querySelector(":scope > .node-error");
    line.textContent = says.charAt(0).toUpperCase() + says.slice(1);
    line.hidden = false;
    const control = findControl(node, pathBelow(path, places.get(id) ?? ""));
    control?.setAttribute("aria-invalid", "true");
    control?.setAttribute("aria-describedby", line.id);
  }
}

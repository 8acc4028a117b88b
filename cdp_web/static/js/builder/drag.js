// Drag and drop of nodes by a handle, with mouse, pen or finger. The handle's menu and Alt with arrows do the same by keyboard.
import { h } from "./dom.js";
import { findNode } from "./tree.js";

const THRESHOLD = 6;
const EDGE = 70;
const line = h("li", { class: "drop-line", "aria-hidden": "true" });

// `onmove` receives (id, group, index).
export function makeDraggable(handle, node, context, onmove) {
  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const drag = { x: event.clientX, y: event.clientY, isMoving: false, target: null };
    handle.setPointerCapture(event.pointerId);
    const move = (moveEvent) => follow(moveEvent, drag, handle, context);
    const end = (endEvent) => {
      handle.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) handle.removeEventListener(name, end);
      document.removeEventListener("keydown", cancel);
      line.remove();
      handle.closest("[data-node]")?.classList.remove("dragged");
      if (!drag.isMoving) return;
      // The click that follows would open the menu.
      handle.addEventListener("click", stop, { capture: true, once: true });
      setTimeout(() => handle.removeEventListener("click", stop, { capture: true }));
      if (endEvent.type === "pointerup" && drag.target) onmove(node.id, drag.target.group, drag.target.index);
    };
    const cancel = (keyEvent) => keyEvent.key === "Escape" && end(keyEvent);
    handle.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) handle.addEventListener(name, end);
    document.addEventListener("keydown", cancel);
  });
}

const stop = (event) => {
  event.preventDefault();
  event.stopImmediatePropagation();
};

function follow(event, drag, handle, context) {
  if (!drag.isMoving && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < THRESHOLD) return;
  drag.isMoving = true;
  const element = handle.closest("[data-node]");
  element.classList.add("dragged");
  if (event.clientY < EDGE) scrollBy(0, -12);
  else if (event.clientY > innerHeight - EDGE) scrollBy(0, 12);
  drag.target = findPlace(event, element, context);
}

// The list of branches below the pointer and the place in it; null inside the dragged node.
function findPlace(event, dragged, context) {
  const below = document.elementFromPoint(event.clientX, event.clientY);
  if (!below || line.contains(below)) return below ? placeOfLine(context) : null;
  const group = below.closest(".group");
  if (!group || dragged.contains(below)) {
    line.remove();
    return null;
  }
  const list = group.querySelector(":scope > .branches");
  const branches = [...list.children].filter((branch) => branch !== line);
  const middle = (branch) => branch.getBoundingClientRect().top + branch.offsetHeight / 2;
  const next = branches.find((branch) => event.clientY < middle(branch));
  list.insertBefore(line, next ?? null);
  return placeOfLine(context);
}

function placeOfLine(context) {
  const list = line.parentElement;
  const group = list && findNode(context.root, Number(list.closest("[data-node]").dataset.node));
  return group && { group, index: [...list.children].indexOf(line) };
}

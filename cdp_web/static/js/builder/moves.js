// Moves a node within the tree: up and down among its neighbours, into a neighbouring group, out of its group, or to a place. Nothing
// here touches the page. Each move returns whether it was possible.
import { isGroup, parentOf, walk } from "./tree.js";

// Levels of groups; a rule may have more, but nobody could read them here.
export const MAX_GROUPS = 6;

export const MOVES = { up, down, into, out };

function place(root, id) {
  const parent = parentOf(root, id);
  return parent && { parent, at: parent.children.findIndex((child) => child.id === id) };
}

function up(root, id) {
  const from = place(root, id);
  return Boolean(from) && from.at > 0 && moveTo(root, id, from.parent, from.at - 1);
}

// An index is counted with the node still in its old place.
function down(root, id) {
  const from = place(root, id);
  return Boolean(from) && from.at < from.parent.children.length - 1 && moveTo(root, id, from.parent, from.at + 2);
}

function into(root, id) {
  const from = place(root, id);
  if (!from) return false;
  const [before, after] = [from.parent.children[from.at - 1], from.parent.children[from.at + 1]];
  if (before && isGroup(before)) return moveTo(root, id, before, before.children.length);
  return Boolean(after && isGroup(after)) && moveTo(root, id, after, 0);
}

function out(root, id) {
  const from = place(root, id);
  const outer = from && place(root, from.parent.id);
  return Boolean(outer) && moveTo(root, id, outer.parent, outer.at + 1);
}

export function moveTo(root, id, group, index) {
  const from = place(root, id);
  if (!from) return false;
  const node = from.parent.children[from.at];
  const isInside = [...walk(node)].includes(group);
  if (isInside || depthOf(root, group) + heightOf(node) > MAX_GROUPS) return false;
  const target = from.parent === group && index > from.at ? index - 1 : index;
  if (from.parent === group && target === from.at) return false;
  from.parent.children.splice(from.at, 1);
  group.children.splice(target, 0, node);
  removeIfEmpty(root, from.parent);
  return true;
}

function removeIfEmpty(root, group) {
  const outer = group.children.length === 0 && place(root, group.id);
  if (outer) outer.parent.children.splice(outer.at, 1);
}

export function depthOf(root, node) {
  const parent = parentOf(root, node.id);
  return parent ? depthOf(root, parent) + 1 : 1;
}

const heightOf = (node) => (isGroup(node) ? 1 + Math.max(0, ...node.children.map(heightOf)) : 0);

// The rule in the builder, read from and written to the JSON document. Nothing here touches the page.
//
// A node is a group {id, join: "all"|"any", negated, children} or a condition {id, kind, negated, …}; leaves.js describes the
// other parts of each kind. A negated node is written as {"not": …}.
import { LEAVES } from "./leaves.js";

let lastId = 0;
const nextId = () => ++lastId;

export const isGroup = (node) => "children" in node;

export function newCondition(kind, parts = LEAVES[kind].create()) {
  return { id: nextId(), kind, negated: false, ...parts };
}

export function newGroup(join, children) {
  return { id: nextId(), negated: false, join, children };
}

export function copyOf(node) {
  if (isGroup(node)) return { ...node, id: nextId(), children: node.children.map(copyOf) };
  return { ...structuredClone(node), id: nextId() };
}

export function* walk(node) {
  yield node;
  if (isGroup(node)) for (const child of node.children) yield* walk(child);
}

export function parentOf(root, id) {
  for (const node of walk(root)) if (isGroup(node) && node.children.some((child) => child.id === id)) return node;
  return null;
}

export function findNode(root, id) {
  for (const node of walk(root)) if (node.id === id) return node;
  return null;
}

// A document that is not a rule opens as an empty group; the server reports what is wrong.
export function decode(document, words) {
  const root = decodeNode(document?.rule, words);
  if (!root) return newGroup("all", []);
  return isGroup(root) ? root : newGroup("all", [root]);
}

function decodeNode(raw, words) {
  if (!raw || typeof raw !== "object") return null;
  if ("not" in raw) {
    const child = decodeNode(raw.not, words);
    return child && { ...child, negated: !child.negated };
  }
  const join = ["all", "any"].find((word) => Array.isArray(raw[word]));
  if (join) return newGroup(join, raw[join].map((child) => decodeNode(child, words)).filter(Boolean));
  const kind = Object.keys(LEAVES).find((word) => raw[word] && typeof raw[word] === "object");
  return kind ? newCondition(kind, LEAVES[kind].read(raw[kind], words)) : null;
}

// The document and the path of every node in it, so messages of the server can be shown at their node.
export function encode(root, words) {
  const places = new Map();
  return { document: { version: 1, rule: encodeNode(root, "rule", words, places) }, places };
}

function encodeNode(node, path, words, places) {
  places.set(node.id, path);
  const inner = node.negated ? `${path}.not` : path;
  const body = isGroup(node)
    ? { [node.join]: node.children.map((child, i) => encodeNode(child, `${inner}.${node.join}[${i}]`, words, places)) }
    : { [node.kind]: LEAVES[node.kind].write(node, words) };
  return node.negated ? { not: body } : body;
}

export const isWithin = (path, place) => path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`);

// The node that a path in the document belongs to: the node whose own path is the longest prefix.
export function nodeAt(path, places) {
  let best = null;
  for (const [id, place] of places)
    if (isWithin(path, place) && (best === null || place.length > places.get(best).length)) best = id;
  return best;
}

// The rest of a path below its node, as the controls of the node name their place: "behaviour.where[1].value".
export function pathBelow(path, place) {
  return path.slice(place.length).replace(/^(\.not)+(?=\.|$)/, "").replace(/^\./, "");
}

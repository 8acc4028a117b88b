// The rule in the builder, read from and written to the JSON document. Nothing here touches the page.
//
// A node is a group {id, join: "all"|"any", negated, children} or a condition {id, field, operator, values, negated}; values are
// kept as they were typed. A negated node is written as {"not": …}.

let lastId = 0;
const nextId = () => ++lastId;

export const isGroup = (node) => "children" in node;

export function newCondition() {
  return { id: nextId(), negated: false, field: "", operator: "", values: [] };
}

export function newGroup(join, children) {
  return { id: nextId(), negated: false, join, children };
}

export function copyOf(node) {
  const copy = { ...node, id: nextId() };
  if (isGroup(node)) copy.children = node.children.map(copyOf);
  else copy.values = [...node.values];
  return copy;
}

export function* walk(node) {
  yield node;
  if (isGroup(node)) for (const child of node.children) yield* walk(child);
}

export function parentOf(root, id) {
  for (const node of walk(root)) if (isGroup(node) && node.children.some((child) => child.id === id)) return node;
  return null;
}

// A document that is not a rule opens as an empty group; the server reports what is wrong.
export function decode(document) {
  const root = decodeNode(document?.rule);
  if (!root) return newGroup("all", []);
  return isGroup(root) ? root : newGroup("all", [root]);
}

function decodeNode(raw) {
  if (!raw || typeof raw !== "object") return null;
  if ("not" in raw) {
    const child = decodeNode(raw.not);
    return child && { ...child, negated: !child.negated };
  }
  const join = ["all", "any"].find((word) => Array.isArray(raw[word]));
  if (join) return newGroup(join, raw[join].map(decodeNode).filter(Boolean));
  if (!raw.metric) return null;
  const { field, operator, value } = raw.metric;
  const values = value === undefined || value === null ? [] : [value].flat().map(String);
  return { ...newCondition(), field: String(field), operator: String(operator), values };
}

// The document and the path of every node in it, so messages of the server can be shown at their node.
export function encode(root, fields) {
  const places = new Map();
  return { document: { version: 1, rule: encodeNode(root, "rule", fields, places) }, places };
}

function encodeNode(node, path, fields, places) {
  places.set(node.id, path);
  const inner = node.negated ? `${path}.not` : path;
  const body = isGroup(node)
    ? { [node.join]: node.children.map((child, i) => encodeNode(child, `${inner}.${node.join}[${i}]`, fields, places)) }
    : { metric: encodeCondition(node, fields) };
  return node.negated ? { not: body } : body;
}

function encodeCondition({ field, operator, values }, fields) {
  const form = fields.get(field)?.operators.find((entry) => entry.key === operator);
  const typed = values
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map((text) => encodeValue(text, form?.value_kind));
  const metric = { field, operator };
  if (!form || form.values === "none" || typed.length === 0) return metric;
  return { ...metric, value: form.values === "one" ? typed[0] : typed };
}

// Amounts are sent as text because a JSON number would lose cents. Other text is sent as typed; the server reports what is wrong.
function encodeValue(text, kind) {
  const isWhole = kind === "integer" || kind === "days";
  return isWhole && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

// The node that a path in the document belongs to: the node whose own path is the longest prefix.
export function nodeAt(path, places) {
  let best = null;
  for (const [id, place] of places) {
    const fits = path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`);
    if (fits && (best === null || place.length > places.get(best).length)) best = id;
  }
  return best;
}

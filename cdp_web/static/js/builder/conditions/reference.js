// Is or is not in another segment, or in an uploaded list. "Is not" is the negation of the node.
import { h } from "../dom.js";
import { picker } from "../picker.js";
import { select, word } from "./controls.js";

const TEXTS = {
  label: "Segment",
  choose: "Choose a segment",
  search: "Search segments",
  list: "Segments",
  none: "No matching segment.",
};

export function drawSegment(node, context) {
  const items = context.segments.map(({ id, name }) => ({ key: String(id), title: name }));
  const choose = picker({
    items,
    selected: node.target,
    missing: `Segment ${node.target} (archived or deleted)`,
    texts: TEXTS,
    focus: "segment.id",
    onchoose: (key) => chooseTarget(node, key, "segment.id", context),
  });
  const isEmpty = items.length === 0 && !node.target;
  return { sentence: [membership(node, "segment", context), isEmpty ? word("There is no other segment.") : choose] };
}

export function drawList(node, context) {
  const options = context.lists.map(({ id, name, count }) => ({
    key: String(id),
    title: count === undefined ? name : `${name} (${count.toLocaleString("en")})`,
  }));
  if (node.target && !options.some(({ key }) => key === node.target))
    options.push({ key: node.target, title: `List ${node.target} (deleted)` });
  const choose = select({
    label: "List",
    place: "list.id",
    options,
    selected: node.target,
    className: "list-select",
    onchange: (key) => chooseTarget(node, key, "list.id", context),
  });
  return { sentence: [membership(node, "list", context), options.length ? choose : noLists(context)] };
}

function chooseTarget(node, key, place, context) {
  node.target = key;
  context.changed({ focus: [node.id, place] });
}

function membership(node, kind, context) {
  const options = [
    { key: "is", title: `is in ${kind}` },
    { key: "is_not", title: `is not in ${kind}` },
  ];
  const onchange = (key) => {
    node.negated = key === "is_not";
    context.changed({ focus: [node.id, `${kind}.is`] });
  };
  return select({ label: "Is or is not in", place: `${kind}.is`, options, selected: node.negated ? "is_not" : "is", onchange });
}

function noLists({ upload }) {
  const link = upload && h("a", { href: upload, "data-focus": "list.id" }, "Upload a list");
  return h("span", { class: "group-text" }, "There is no list yet. ", link);
}

// Is or is not in another segment, or in an uploaded list. "Is not" is the negation of the node.
import { h, interpolateText } from "../dom.js";
import { formatCount } from "../formats.js";
import { picker } from "../picker.js";
import { select, word } from "./controls.js";

const TEXTS = {
  label: gettext("Segment"),
  choose: gettext("Choose a segment"),
  search: gettext("Search segments"),
  list: gettext("Segments"),
  none: gettext("No matching segment."),
};

export function drawSegment(node, context) {
  const items = context.segments.map(({ id, name, current_run__count: count }) => ({
    key: String(id),
    title: name,
    note: Number.isInteger(count) ? formatCount(count) : "",
  }));
  const choose = picker({
    items,
    selected: node.target,
    missing: interpolateText(gettext("Segment %(id)s (archived or deleted)"), { id: node.target }),
    texts: TEXTS,
    focus: "segment.id",
    onchoose: (key) => chooseTarget(node, key, "segment.id", context),
  });
  const isEmpty = items.length === 0 && !node.target;
  const titles = [gettext("is in segment"), gettext("is not in segment")];
  return { sentence: [membership(node, "segment", titles, context), isEmpty ? word(gettext("There is no other segment.")) : choose] };
}

export function drawList(node, context) {
  const options = context.lists.map(({ id, name, count }) => ({
    key: String(id),
    title: count === undefined ? name : `${name} (${formatCount(count)})`,
  }));
  if (node.target && !options.some(({ key }) => key === node.target))
    options.push({ key: node.target, title: interpolateText(gettext("List %(id)s (deleted)"), { id: node.target }) });
  const choose = select({
    label: gettext("List"),
    place: "list.id",
    options,
    selected: node.target,
    className: "list-select",
    onchange: (key) => chooseTarget(node, key, "list.id", context),
  });
  const titles = [gettext("is in list"), gettext("is not in list")];
  return { sentence: [membership(node, "list", titles, context), options.length ? choose : noLists(context)] };
}

function chooseTarget(node, key, place, context) {
  node.target = key;
  context.changed({ focus: [node.id, place] });
}

function membership(node, kind, [is, isNot], context) {
  const options = [
    { key: "is", title: is },
    { key: "is_not", title: isNot },
  ];
  const onchange = (key) => {
    node.negated = key === "is_not";
    context.changed({ focus: [node.id, `${kind}.is`] });
  };
  const selected = node.negated ? "is_not" : "is";
  return select({ label: gettext("Is or is not in"), place: `${kind}.is`, options, selected, onchange });
}

function noLists({ upload }) {
  const link = upload && h("a", { href: upload, "data-focus": "list.id" }, gettext("Upload a list"));
  return h("span", { class: "group-text" }, `${gettext("There is no list yet.")} `, link);
}

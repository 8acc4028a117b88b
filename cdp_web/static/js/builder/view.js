// Draws the tree. Every change calls `changed`, which redraws if the shape has changed and always requests a new count.
import { drawBehaviour } from "./conditions/behaviour.js";
import { drawMetric } from "./conditions/metric.js";
import { drawList, drawSegment } from "./conditions/reference.js";
import { drawSequence } from "./conditions/sequence.js";
import { h, icon, iconButton } from "./dom.js";
import { addMenu } from "./menu.js";
import { copyOf, isGroup, newCondition, newGroup, parentOf } from "./tree.js";

// How each kind is drawn, and the control that gets the focus in a new condition. A kind returns {sentence, body, about}.
const KINDS = {
  metric: { draw: drawMetric, focus: "metric.field" },
  behaviour: { draw: drawBehaviour, focus: "behaviour.did" },
  sequence: { draw: drawSequence, focus: "sequence.first.event" },
  segment: { draw: drawSegment, focus: "segment.id", saysNot: true },
  list: { draw: drawList, focus: "list.id", saysNot: true },
};

export function drawTree(context) {
  return drawGroup(context.root, context, 0);
}

function drawGroup(group, context, depth) {
  const isRoot = group === context.root;
  const children = group.children.map((child, i) =>
    h(
      "li",
      { class: "branch" },
      i > 0 && h("span", { class: "joint", "aria-hidden": "true" }, group.join === "all" ? "and" : "or"),
      isGroup(child) ? drawGroup(child, context, depth + 1) : drawCondition(child, context),
    ),
  );
  return h(
    "fieldset",
    { class: `group${isRoot ? " group-root" : ""}${group.negated ? " negated" : ""}`, "data-node": group.id },
    h("legend", { class: "visually-hidden" }, isRoot ? "Rule" : "Group"),
    h(
      "div",
      { class: "node-head" },
      h(
        "div",
        { class: "sentence-line" },
        notButton(group, context),
        h("span", { class: "group-text" }, isRoot ? "Customers who match" : "Match"),
        joinSwitch(group, context),
        h("span", { class: "group-text" }, "of these"),
        counts(),
      ),
      !isRoot && nodeButtons(group, context, "group"),
    ),
    errorLine(group),
    h("ul", { class: "branches" }, children),
    h(
      "div",
      { class: "group-add" },
      addMenu({ withGroup: depth < context.maxDepth, onchoose: (kind) => add(group, kind, context) }),
    ),
  );
}

function drawCondition(condition, context) {
  const { draw, saysNot } = KINDS[condition.kind];
  const { sentence, body, about } = draw(condition, context);
  const hint = h("p", { class: "hint operator-about" });
  const explain = () => {
    hint.textContent = about?.() ?? "";
    hint.hidden = !hint.textContent;
  };
  explain();
  return h(
    "div",
    {
      class: `condition condition-${condition.kind}${condition.negated ? " negated" : ""}`,
      "data-node": condition.id,
      oninput: explain,
    },
    h(
      "div",
      { class: "node-head" },
      h("div", { class: "sentence-line" }, !saysNot && notButton(condition, context), sentence.flat(), counts()),
      nodeButtons(condition, context, "condition"),
    ),
    body,
    hint,
    errorLine(condition),
  );
}

function counts() {
  return h("span", { class: "node-counts" }, h("span", { class: "node-count" }), h("span", { class: "node-left" }));
}

function errorLine(node) {
  return h("p", { class: "error node-error", id: `node-error-${node.id}`, hidden: true });
}

function joinSwitch(group, context) {
  const choice = (join) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(group.join === join),
        "data-focus": `join-${join}`,
        onclick: () => {
          group.join = join;
          context.changed({ focus: [group.id, `join-${join}`] });
        },
      },
      join,
    );
  return h("span", { class: "join", role: "group", "aria-label": "All or any" }, choice("all"), choice("any"));
}

function notButton(node, context) {
  const onclick = () => {
    node.negated = !node.negated;
    context.changed({ focus: [node.id, "not"] });
  };
  const label = node.negated ? "Take the opposite: on" : "Take the opposite: off";
  return h(
    "button",
    {
      type: "button",
      class: "not",
      "aria-pressed": String(node.negated),
      "aria-label": label,
      title: "Everyone except those who match",
      "data-focus": "not",
      onclick,
    },
    "not",
  );
}

function nodeButtons(node, context, word) {
  return h(
    "span",
    { class: "node-buttons" },
    iconButton(icon("copy"), `Duplicate this ${word}`, () => duplicate(node, context)),
    iconButton(icon("trash-2"), `Remove this ${word}`, () => remove(node, context)),
  );
}

function add(group, kind, context) {
  const isNewGroup = kind === "group";
  const first = newCondition(isNewGroup ? "metric" : kind);
  group.children.push(isNewGroup ? newGroup(group.join === "all" ? "any" : "all", [first]) : first);
  context.changed({ focus: [first.id, KINDS[first.kind].focus] });
}

function duplicate(node, context) {
  const parent = parentOf(context.root, node.id);
  const copy = copyOf(node);
  parent.children.splice(parent.children.indexOf(node) + 1, 0, copy);
  context.changed({ focus: [copy.id, isGroup(copy) ? "not" : KINDS[copy.kind].focus] });
}

function remove(node, context) {
  const parent = parentOf(context.root, node.id);
  parent.children.splice(parent.children.indexOf(node), 1);
  context.changed({ focus: [parent.id, "add"] });
}

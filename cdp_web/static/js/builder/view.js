// Draws the tree. Every change calls `changed`, which redraws if the shape has changed and always requests a new count.
import { drawBehaviour } from "./conditions/behaviour.js";
import { drawMetric } from "./conditions/metric.js";
import { drawRecommended } from "./conditions/recommended.js";
import { drawList, drawSegment } from "./conditions/reference.js";
import { drawSequence } from "./conditions/sequence.js";
import { h, icon, iconButton } from "./dom.js";
import { makeDraggable } from "./drag.js";
import { addMenu, menuOf } from "./menu.js";
import { MAX_GROUPS, MOVES, moveTo } from "./moves.js";
import { copyOf, isGroup, newCondition, newGroup, parentOf } from "./tree.js";

// How each kind is drawn, and the control that gets the focus in a new condition. A kind returns {sentence, body, about}.
const KINDS = {
  metric: { draw: drawMetric, focus: "metric.field" },
  behaviour: { draw: drawBehaviour, focus: "behaviour.did" },
  sequence: { draw: drawSequence, focus: "sequence.first.event" },
  segment: { draw: drawSegment, focus: "segment.id", saysNot: true },
  list: { draw: drawList, focus: "list.id", saysNot: true },
  recommended: { draw: drawRecommended, focus: "recommended.values", saysNot: true },
};
const KEYS = { ArrowUp: "up", ArrowDown: "down", ArrowRight: "into", ArrowLeft: "out" };

export function drawTree(context) {
  return drawGroup(context.root, context, 1);
}

function drawGroup(group, context, depth) {
  const isRoot = group === context.root;
  const children = group.children.map((child, i) =>
    h(
      "li",
      { class: "branch" },
      i > 0 && h("span", { class: "joint", "aria-hidden": "true" }, group.join === "all" ? gettext("and") : gettext("or")),
      isGroup(child) ? drawGroup(child, context, depth + 1) : drawCondition(child, context),
    ),
  );
  return h(
    "fieldset",
    { class: `group${isRoot ? " group-root" : ""}${group.negated ? " negated" : ""}`, "data-node": group.id },
    h("legend", { class: "visually-hidden" }, isRoot ? gettext("Rule") : gettext("Group")),
    h(
      "div",
      { class: "node-head" },
      !isRoot && moveHandle(group, context),
      h(
        "div",
        { class: "sentence-line" },
        notButton(group, context),
        h("span", { class: "group-text" }, isRoot ? gettext("Customers who match") : gettext("Match")),
        joinSwitch(group, context),
        h("span", { class: "group-text" }, gettext("of these")),
        counts(),
      ),
      !isRoot && nodeButtons(group, context, [gettext("Duplicate this group"), gettext("Remove this group")]),
    ),
    errorLine(group),
    h("ul", { class: "branches" }, children),
    h(
      "div",
      { class: "group-add" },
      addMenu({ withGroup: depth < MAX_GROUPS, onchoose: (kind) => add(group, kind, context) }),
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
      moveHandle(condition, context),
      h("div", { class: "sentence-line" }, !saysNot && notButton(condition, context), sentence.flat(), counts()),
      nodeButtons(condition, context, [gettext("Duplicate this condition"), gettext("Remove this condition")]),
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

// Drag it, open its menu, or press Alt and an arrow.
function moveHandle(node, context) {
  const handle = iconButton(icon("grip-vertical"), gettext("Move"), undefined, { "data-focus": "move" });
  handle.classList.add("handle");
  handle.title = gettext("Drag to move; or Alt and an arrow key");
  makeDraggable(handle, node, context, (id, group, index) => moveTo(context.root, id, group, index) && moved(node, context));
  const entries = () => [
    { key: "up", mark: icon("arrow-up"), title: gettext("Move up") },
    { key: "down", mark: icon("arrow-down"), title: gettext("Move down") },
    { key: "into", mark: icon("chevron-right"), title: gettext("Move into the neighbouring group") },
    { key: "out", mark: icon("chevron-left"), title: gettext("Move out of this group") },
  ];
  return menuOf(handle, { label: gettext("Move"), entries, onchoose: (way) => move(node, way, context) });
}

// Fields keep their own keys; Alt with an arrow opens a select.
export function moveByKey(event, context) {
  const element = event.target.closest("[data-node]");
  if (!event.altKey || !(event.key in KEYS) || !element || event.target.matches("input, select, textarea")) return;
  const node = parentOf(context.root, Number(element.dataset.node))?.children.find(({ id }) => id === Number(element.dataset.node));
  if (!node) return;
  event.preventDefault();
  move(node, KEYS[event.key], context);
}

function move(node, way, context) {
  if (MOVES[way](context.root, node.id)) moved(node, context);
}

const moved = (node, context) => context.changed({ focus: [node.id, "move"] });

function joinSwitch(group, context) {
  const choice = (join, title) =>
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
      title,
    );
  const choices = [choice("all", gettext("all")), choice("any", gettext("any"))];
  return h("span", { class: "join", role: "group", "aria-label": gettext("All or any") }, choices);
}

function notButton(node, context) {
  const onclick = () => {
    node.negated = !node.negated;
    context.changed({ focus: [node.id, "not"] });
  };
  return h(
    "button",
    {
      type: "button",
      class: "not",
      "aria-pressed": String(node.negated),
      "aria-label": node.negated ? gettext("not – take the opposite: on") : gettext("not – take the opposite: off"),
      title: gettext("Everyone except those who match"),
      "data-focus": "not",
      onclick,
    },
    gettext("not"),
  );
}

function nodeButtons(node, context, [duplicateLabel, removeLabel]) {
  return h(
    "span",
    { class: "node-buttons" },
    iconButton(icon("copy"), duplicateLabel, () => duplicate(node, context)),
    iconButton(icon("trash-2"), removeLabel, () => remove(node, context)),
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

// Draws the tree. Every change calls `changed`, which redraws if the shape has changed and always requests a new count.
import { h, icon, iconButton } from "./dom.js";
import { fieldPicker } from "./fields.js";
import { copyOf, isGroup, newCondition, newGroup, parentOf } from "./tree.js";
import { valueInputs } from "./values.js";

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
      notButton(group, context),
      h("span", { class: "group-text" }, isRoot ? "Customers who match" : "Match"),
      joinSwitch(group, context),
      h("span", { class: "group-text" }, "of these"),
      h("span", { class: "node-end" }, h("span", { class: "node-count" }), !isRoot && nodeButtons(group, context, "group")),
    ),
    h("p", { class: "error node-error", hidden: true }),
    h("ul", { class: "branches" }, children),
    h(
      "div",
      { class: "group-add" },
      h(
        "button",
        {
          type: "button",
          class: "button button-small",
          "data-focus": "add",
          "aria-label": "Add condition to this group",
          onclick: () => add(group, newCondition(), context),
        },
        icon("plus"),
        "Condition",
      ),
      depth < context.maxDepth &&
        h(
          "button",
          {
            type: "button",
            class: "button button-small button-quiet",
            "aria-label": "Add group to this group",
            onclick: () => add(group, newGroup(group.join === "all" ? "any" : "all", [newCondition()]), context),
          },
          icon("folder-plus"),
          "Group",
        ),
    ),
  );
}

function drawCondition(condition, context) {
  const field = context.fields.get(condition.field);
  const operator = field?.operators.find((entry) => entry.key === condition.operator);
  return h(
    "div",
    { class: `condition${condition.negated ? " negated" : ""}`, "data-node": condition.id },
    h(
      "div",
      { class: "node-head" },
      notButton(condition, context),
      fieldPicker(context.fields, condition.field, (key) => chooseField(condition, key, context)),
      field && operatorSelect(condition, field, context),
      field && valueInputs(condition, field, operator, context.currency, () => context.changed()),
      h("span", { class: "node-end" }, h("span", { class: "node-count" }), nodeButtons(condition, context, "condition")),
    ),
    operator?.about && h("p", { class: "hint operator-about" }, operator.about),
    h("p", { class: "error node-error", hidden: true }),
  );
}

function operatorSelect(condition, field, context) {
  const options = field.operators.map((entry) =>
    h("option", { value: entry.key, selected: entry.key === condition.operator }, entry.label),
  );
  const onchange = (event) => {
    const before = field.operators.find((entry) => entry.key === condition.operator);
    const after = field.operators.find((entry) => entry.key === event.target.value);
    condition.operator = after.key;
    if (before?.value_kind !== after.value_kind) condition.values = [];
    context.changed({ focus: [condition.id, "operator"] });
  };
  return h("select", { class: "select operator", "aria-label": "Comparison", "data-focus": "operator", onchange }, options);
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
  return [
    iconButton(icon("copy"), `Duplicate this ${word}`, () => duplicate(node, context)),
    iconButton(icon("trash-2"), `Remove this ${word}`, () => remove(node, context)),
  ];
}

function chooseField(condition, key, context) {
  const before = context.fields.get(condition.field),
    after = context.fields.get(key);
  condition.field = key;
  if (before?.kind !== after.kind || after.choices.length || before.choices.length) {
    const usual = { integer: "ge", money: "ge", number: "ge", date: "in_last_days", text: "eq" }[after.kind];
    condition.operator = after.operators.some((entry) => entry.key === usual) ? usual : after.operators[0].key;
    condition.values = [];
  }
  context.changed({ focus: [condition.id, "value-0"] });
}

function add(group, node, context) {
  group.children.push(node);
  const first = isGroup(node) ? node.children[0] : node;
  context.changed({ focus: [first.id, "field"] });
}

function duplicate(node, context) {
  const parent = parentOf(context.root, node.id);
  const copy = copyOf(node);
  parent.children.splice(parent.children.indexOf(node) + 1, 0, copy);
  context.changed({ focus: [copy.id, "not"] });
}

function remove(node, context) {
  const parent = parentOf(context.root, node.id);
  parent.children.splice(parent.children.indexOf(node), 1);
  context.changed({ focus: [parent.id, "add"] });
}

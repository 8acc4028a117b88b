// What is still empty in the rule. The server checks everything else.
import { findOperator, isTyped } from "./leaves.js";
import { isGroup, walk } from "./tree.js";

// The first gap of every unfinished node: {node, place, says}; place names the control, as in pathBelow of tree.js.
export function findGaps(root, words) {
  return [...walk(root)].map((node) => ({ node, ...findGap(node, words) })).filter((gap) => gap.says);
}

function findGap(node, words) {
  if (isGroup(node))
    return node.children.length ? null : { place: "add", says: gettext("Add a condition to this group, or remove it.") };
  return FINDERS[node.kind](node, words);
}

const FINDERS = {
  metric: (node, words) =>
    node.field ? findValueGap(node, words.metrics, node.field, "metric") : { place: "metric.field", says: gettext("Choose a metric.") },
  behaviour: (node, words) =>
    findStepGap(node.step, words, "behaviour") ??
    (node.mode === "measure" ? findValueGap(node, words.measures, node.measure, "behaviour") : null) ??
    findWindowGap(node.window, words, "behaviour"),
  sequence: (node, words) =>
    findStepGap(node.first, words, "sequence.first") ??
    findWindowGap(node.window, words, "sequence") ??
    (isTyped(node.withinDays) ? null : { place: "sequence.within_days", says: gettext("Enter a number of days.") }) ??
    findStepGap(node.then, words, "sequence.then"),
  segment: (node) => (node.target ? null : { place: "segment.id", says: gettext("Choose a segment.") }),
  list: (node) => (node.target ? null : { place: "list.id", says: gettext("Choose a list.") }),
  recommended: ({ values, places }) =>
    (values.some(isTyped) ? null : { place: "recommended.values", says: gettext("Enter a value.") }) ??
    (isTyped(places) ? null : { place: "recommended.places", says: gettext("Enter a number of places.") }),
};

const COUNTS = { none: 0, one: 1, two: 2, many: 1 };

// The place of the first empty value among as many as the form takes, or -1.
function findEmpty(values, form) {
  if (form?.values === "many") return values.some(isTyped) ? -1 : 0;
  return Array.from({ length: COUNTS[form?.values] ?? 0 }).findIndex((_, i) => !isTyped(values[i]));
}

function findValueGap({ operator, values }, table, key, place) {
  const form = findOperator(table, key, operator);
  const empty = findEmpty(values, form);
  if (empty < 0) return null;
  return { place: form.values === "two" ? `${place}.value[${empty}]` : `${place}.value`, says: gettext("Enter a value.") };
}

function findStepGap(step, words, place) {
  for (const [i, filter] of step.filters.entries()) {
    const gap = findValueGap(filter, words.fields, filter.field, `${place}.where[${i}]`);
    if (gap) return gap;
  }
  return null;
}

function findWindowGap({ kind, values }, words, place) {
  const form = words.windows.get(kind);
  if (findEmpty(values, form) < 0) return null;
  const says = form.value_kind === "date" ? gettext("Enter both days.") : gettext("Enter a number of days.");
  return { place: `${place}.window.${kind}`, says };
}

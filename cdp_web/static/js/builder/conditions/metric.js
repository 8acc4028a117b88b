// A metric compared with a value.
import { picker } from "../picker.js";
import { comparisonInputs, suggestionsOf } from "./controls.js";

const TEXTS = {
  label: "Metric",
  choose: "Choose a metric",
  search: "Search metrics",
  list: "Metrics",
  none: "No matching metric.",
};

export function drawMetric(node, context) {
  const { metrics } = context.words;
  const field = metrics.get(node.field);
  const operator = field?.operators.find((entry) => entry.key === node.operator);
  const choose = picker({
    items: [...metrics.values()],
    selected: node.field,
    missing: node.field,
    texts: TEXTS,
    focus: "metric.field",
    onchoose: (key) => chooseField(node, metrics, key, context),
  });
  const sentence = [choose, field && comparisonInputs(node, field, { place: "metric", node, context, suggest: suggestionsOf(field, context) })];
  return { sentence, about: () => operator?.about };
}

function chooseField(node, metrics, key, context) {
  const before = metrics.get(node.field),
    after = metrics.get(key);
  node.field = key;
  if (before?.kind !== after.kind || after.choices.length || before.choices.length) {
    const usual = { integer: "ge", money: "ge", number: "ge", date: "in_last_days", text: "eq" }[after.kind];
    node.operator = after.operators.some((entry) => entry.key === usual) ? usual : after.operators[0].key;
    node.values = [];
  }
  context.changed({ focus: [node.id, "metric.value"] });
}

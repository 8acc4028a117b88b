// A metric compared with a value.
import { picker } from "../picker.js";
import { comparisonInputs, sourcesOf } from "./controls.js";

const TEXTS = {
  label: gettext("Metric"),
  choose: gettext("Choose a metric"),
  search: gettext("Search metrics"),
  list: gettext("Metrics"),
  none: gettext("No matching metric."),
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
  const sources = field && sourcesOf(field, context, { hasDistribution: true });
  const inputs = field && comparisonInputs(node, field, { place: "metric", node, context, sources });
  return { sentence: [choose, inputs], about: () => explain(node, operator) };
}

// "Not" takes all others, so also those who have no value; "is not" leaves them out.
function explain(node, operator) {
  const missing = node.negated && operator && !["is_set", "is_not_set"].includes(operator.key);
  return [operator?.about, missing && gettext("Because of “not”, customers without a value match, too.")].filter(Boolean).join(" ");
}

function chooseField(node, metrics, key, context) {
  const before = metrics.get(node.field),
    after = metrics.get(key);
  node.field = key;
  if (before?.kind !== after.kind || before?.unit !== after.unit || after.choices.length || before.choices.length) {
    const usual = { integer: "ge", money: "ge", number: "ge", date: "in_last_days", text: "eq" }[after.kind];
    node.operator = after.operators.some((entry) => entry.key === usual) ? usual : after.operators[0].key;
    node.values = [];
  }
  context.changed({ focus: [node.id, "metric.value"] });
}

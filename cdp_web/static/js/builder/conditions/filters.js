// The filters of a step: which of the events count.
import { h, icon, iconButton } from "../dom.js";
import { newFilter } from "../leaves.js";
import { comparisonInputs, select, suggestionsOf, word } from "./controls.js";

export function filterRows(node, step, place, context) {
  const rows = step.filters.map((filter, i) => filterRow(node, step, filter, `${place}.where[${i}]`, i, context));
  return [rows.length > 0 && h("ul", { class: "filters", "aria-label": "Filters" }, rows), addButton(node, step, place, context)];
}

function filterRow(node, step, filter, place, i, context) {
  const { fields } = context.words;
  const field = fields.get(filter.field);
  const choose = (key) => {
    const isSameKind = fields.get(key).kind === field?.kind;
    step.filters[i] = isSameKind ? { ...filter, field: key, values: [] } : newFilter(context.words, key);
    context.changed({ focus: [node.id, `${place}.field`] });
  };
  const options = [...fields.values()];
  const remove = () => {
    step.filters.splice(i, 1);
    context.changed({ focus: [node.id, place.slice(0, place.lastIndexOf("["))] });
  };
  return h(
    "li",
    { class: "filter" },
    word(i ? "and" : "where"),
    select({
      label: "Field",
      place: `${place}.field`,
      options,
      selected: filter.field,
      className: "filter-field",
      onchange: choose,
    }),
    field && comparisonInputs(filter, field, { place, node, context, suggest: suggestionsOf(field, context) }),
    iconButton(icon("x"), "Remove this filter", remove),
  );
}

function addButton(node, step, place, context) {
  const onclick = () => {
    step.filters.push(newFilter(context.words));
    context.changed({ focus: [node.id, `${place}.where[${step.filters.length - 1}].field`] });
  };
  return h(
    "button",
    { type: "button", class: "button button-small button-quiet add-filter", "data-focus": `${place}.where`, onclick },
    icon("plus"),
    "Add filter",
  );
}

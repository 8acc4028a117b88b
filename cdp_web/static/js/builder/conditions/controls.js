// The controls that several kinds of conditions share: selects of events, operators and days.
import { h } from "../dom.js";
import { valueInputs } from "../values.js";

export function select({ label, place, options, selected, className = "operator", onchange }) {
  const isListed = options.some((option) => option.key === selected);
  const entries = isListed ? options : [{ key: selected, title: selected || gettext("Choose…") }, ...options];
  return h(
    "select",
    { class: `select ${className}`, "aria-label": label, "data-focus": place, onchange: (event) => onchange(event.target.value) },
    entries.map(({ key, title, about }) => h("option", { value: key, selected: key === selected, title: about }, title)),
  );
}

export const word = (text) => h("span", { class: "group-text" }, text);

export function operatorSelect(holder, field, place, redraw) {
  const options = field.operators.map(({ key, label }) => ({ key, title: label }));
  const onchange = (key) => {
    const [before, after] = [holder.operator, key].map((name) => field.operators.find((entry) => entry.key === name));
    holder.operator = key;
    if (before?.value_kind !== after.value_kind || (before.values === "many") !== (after.values === "many")) holder.values = [];
    else if (after.values === "one") holder.values = holder.values.slice(0, 1);
    redraw(place);
  };
  return select({ label: gettext("Comparison"), place, options, selected: holder.operator, onchange });
}

export function eventSelect(step, place, context, onchange) {
  return select({
    label: gettext("Event"),
    place: `${place}.event`,
    options: context.words.events,
    selected: step.event,
    onchange: (event) => {
      step.event = event;
      onchange();
    },
  });
}

// The days that count. The values are kept where the new window takes values of the same kind.
export function windowInputs(node, place, context) {
  const { windows } = context.words;
  const options = [...windows.values()].map(({ key, label, about }) => ({ key, title: label, about }));
  const form = windows.get(node.window.kind);
  const onchange = (key) => {
    const after = windows.get(key);
    const values = form?.value_kind === after.value_kind ? node.window.values : [];
    node.window = { kind: key, values: after.values === "one" ? values.slice(0, 1) : values };
    context.changed({ focus: [node.id, `${place}.window`] });
  };
  const label = gettext("Days that count");
  const selection = select({ label, place: `${place}.window`, options, selected: node.window.kind, onchange });
  return h("span", { class: "window" }, selection, windowValues(node.window, form, place, context));
}

function windowValues(window, form, place, context) {
  const labels = { one: [gettext("Number of days")], two: [gettext("From"), gettext("To")] }[form?.values] ?? [];
  return labels.flatMap((label, i) => [
    i > 0 && word(gettext("and")),
    h("input", {
      class: `input ${form.value_kind === "date" ? "value-date" : "value-days"}`,
      type: form.value_kind === "date" ? "date" : "text",
      inputMode: "numeric",
      autocomplete: "off",
      "aria-label": label,
      "data-focus": `${place}.window.${window.kind}`,
      value: window.values[i] ?? "",
      oninput: (event) => {
        const values = labels.map((_, j) => window.values[j] ?? "");
        window.values = values.with(i, event.target.value);
        context.changed();
      },
    }),
  ]);
}

// `sources` are addresses of the API: {suggest, distribution}.
export function comparisonInputs(holder, field, { place, node, context, sources = {} }) {
  const operator = field.operators.find((entry) => entry.key === holder.operator);
  const redraw = (focus) => context.changed({ focus: [node.id, focus] });
  const onstart = () => {
    holder.operator = "starts_with";
    redraw(`${place}.value`);
  };
  const at = {
    place: `${place}.value`,
    currency: context.words.signs.currency,
    signs: context.words.signs,
    ...sources,
    onchange: () => context.changed(),
    onstart: field.operators.some((entry) => entry.key === "starts_with") ? onstart : undefined,
  };
  return [operatorSelect(holder, field, `${place}.operator`, redraw), ...valueInputs(holder, field, operator, at)];
}

// Where suggestions for a text come from, or the histogram of a number.
export function sourcesOf(field, { values, distribution }, { hasDistribution = false } = {}) {
  const name = encodeURIComponent(field.key);
  if (field.kind === "text") return { suggest: values && `${values}?field=${name}` };
  return hasDistribution && field.kind !== "date" ? { distribution: `${distribution}?field=${name}` } : {};
}

// The controls that several kinds of conditions share: selects of events, operators and days.
import { h } from "../dom.js";
import { valueInputs } from "../values.js";

export function select({ label, place, options, selected, className = "operator", onchange }) {
  const isKnown = options.some((option) => option.key === selected);
  const entries = isKnown ? options : [{ key: selected, title: selected || "Choose…" }, ...options];
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
  return select({ label: "Comparison", place, options, selected: holder.operator, onchange });
}

export function eventSelect(step, place, context, onchange) {
  return select({
    label: "Event",
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
  const selection = select({ label: "Days that count", place: `${place}.window`, options, selected: node.window.kind, onchange });
  return h("span", { class: "window" }, selection, windowValues(node.window, form, place, context));
}

function windowValues(window, form, place, context) {
  const labels = { one: ["Number of days"], two: ["From", "To"] }[form?.values] ?? [];
  return labels.flatMap((label, i) => [
    i > 0 && word("and"),
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

export function comparisonInputs(holder, field, { place, node, context, suggest }) {
  const operator = field.operators.find((entry) => entry.key === holder.operator);
  const at = { place: `${place}.value`, currency: context.currency, suggest, onchange: () => context.changed() };
  const redraw = (focus) => context.changed({ focus: [node.id, focus] });
  return [operatorSelect(holder, field, `${place}.operator`, redraw), ...valueInputs(holder, field, operator, at)];
}

// The address of suggestions for a field or metric; empty where it takes no text.
export function suggestionsOf(field, { values }) {
  return values && field.kind === "text" ? `${values}?field=${encodeURIComponent(field.key)}` : "";
}

// The inputs for the values of a comparison: as many as the operator takes, each of the right kind.
import { chipsInput } from "./chips.js";
import { showDistribution } from "./distribution.js";
import { h } from "./dom.js";
import { isShare } from "./leaves.js";
import { suggestValues } from "./suggestions.js";

// The text after the input, by the kind of the value or the metric's unit. A share is typed in percent.
const KIND_UNITS = { days: gettext("days"), percent: "%", count: gettext("customers") };
const UNITS = { days: gettext("days"), share: "%", score: gettext("from 1 to 5") };

// `holder` has the values; `at` is {place, currency, signs, suggest, distribution, onchange, onstart}: place names the inputs, suggest and
// distribution are addresses of the API, if there are any.
export function valueInputs(holder, field, operator, at) {
  if (!operator || operator.values === "none") return [];
  if (operator.values === "many") {
    if (field.choices.length) return [choiceBoxes(holder, field, at)];
    return [chipsInput(holder, at)];
  }
  if (operator.values === "two")
    return [
      h("span", { class: "value-pair" }, scalar(holder, 0, field, operator, at), h("span", { class: "muted" }, gettext("and"))),
      scalar(holder, 1, field, operator, at),
    ];
  return [scalar(holder, 0, field, operator, at)];
}

function set(holder, place, text, onchange) {
  while (holder.values.length < place) holder.values.push("");
  holder.values[place] = text;
  onchange();
}

function labelOf(isPair, index) {
  if (!isPair) return gettext("Value");
  return index ? gettext("Value, to") : gettext("Value, from");
}

function scalar(holder, index, field, operator, at) {
  const value = holder.values[index] ?? "";
  const isPair = operator.values === "two";
  const change = (text) => set(holder, index, text, at.onchange);
  const common = {
    "data-focus": isPair ? `${at.place}[${index}]` : at.place,
    "aria-label": labelOf(isPair, index),
    oninput: (event) => change(event.target.value),
  };
  const kind = operator.value_kind;
  if (field.choices.length && (kind !== "text" || ["eq", "ne"].includes(operator.key)))
    return choiceSelect(field, value, common);
  if (kind === "date") return h("input", { class: "input value-date", type: "date", value, ...common });
  if (kind === "text") return textInput(value, operator, at, common, change);
  return numberInput(kind, field, operator, value, at, common, change);
}

function textInput(value, operator, at, common, change) {
  const input = h("input", { class: "input value-text", type: "text", value, maxLength: 500, autocomplete: "off", ...common });
  if (!at.suggest) return input;
  const onchoose = (text) => {
    input.value = text;
    change(text);
  };
  return suggestValues(input, { source: at.suggest, onchoose, checksValue: operator.key === "eq", onstart: at.onstart });
}

// A text input with a numeric keyboard: a number input would hide typing errors from the server.
function numberInput(kind, field, operator, value, at, common, change) {
  const inputMode = ["integer", "days", "count"].includes(kind) ? "numeric" : "decimal";
  const input = h("input", { class: "input value-number", type: "text", inputMode, value, autocomplete: "off", ...common });
  const unit = KIND_UNITS[kind] ?? UNITS[field.unit] ?? "";
  const isMoney = kind === "money";
  const box = h(
    "span",
    { class: "with-unit" },
    isMoney && h("span", { class: "unit" }, at.currency),
    input,
    !isMoney && unit && h("span", { class: "unit" }, unit),
  );
  if (!at.distribution || kind !== field.kind) return box;
  const onchoose = (text) => {
    input.value = text;
    change(text);
  };
  return showDistribution(box, input, { source: at.distribution, isShare: isShare(field, operator), signs: at.signs, onchoose });
}

function choiceSelect(field, value, common) {
  const options = field.choices.map((choice) =>
    h("option", { value: choice.value, selected: choice.value === value }, choice.title),
  );
  const isChosen = field.choices.some((choice) => choice.value === value);
  const empty = isChosen ? [] : [h("option", { value: "", selected: true }, gettext("Choose…"))];
  return h("select", { class: "select value-text", ...common }, empty, options);
}

function choiceBoxes(holder, field, at) {
  const toggle = (word, on) => {
    const words = field.choices.map((choice) => choice.value);
    holder.values = words.filter((other) => (other === word ? on : holder.values.includes(other)));
    at.onchange();
  };
  const boxes = field.choices.map(({ value, title }) =>
    h(
      "label",
      { class: "choice" },
      h("input", {
        type: "checkbox",
        checked: holder.values.includes(value),
        "data-focus": at.place,
        onchange: (event) => toggle(value, event.target.checked),
      }),
      title,
    ),
  );
  return h("fieldset", { class: "choices" }, h("legend", { class: "visually-hidden" }, gettext("Values")), boxes);
}

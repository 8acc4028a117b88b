// The inputs for the values of a comparison: as many as the operator takes, each of the right kind.
import { chipsInput } from "./chips.js";
import { h } from "./dom.js";
import { suggestValues } from "./suggestions.js";

// The text after the input, by the kind of the value or the metric's unit. A share is typed as it is stored; other pages show it
// in percent.
const KIND_UNITS = { days: "days", percent: "%", count: "customers" };
const UNITS = { days: "days", share: "from 0 to 1", score: "from 1 to 5" };

// `holder` has the values; `at` is {place, currency, suggest, onchange}: place names the inputs, suggest is the address of
// suggestions for text, if there are any.
export function valueInputs(holder, field, operator, at) {
  if (!operator || operator.values === "none") return [];
  if (operator.values === "many") {
    if (field.choices.length) return [choiceBoxes(holder, field, at)];
    return [chipsInput(holder, at)];
  }
  if (operator.values === "two")
    return [
      h("span", { class: "value-pair" }, scalar(holder, 0, field, operator, at), h("span", { class: "muted" }, "and")),
      scalar(holder, 1, field, operator, at),
    ];
  return [scalar(holder, 0, field, operator, at)];
}

function set(holder, place, text, onchange) {
  while (holder.values.length < place) holder.values.push("");
  holder.values[place] = text;
  onchange();
}

function scalar(holder, index, field, operator, at) {
  const value = holder.values[index] ?? "";
  const isPair = operator.values === "two";
  const common = {
    "data-focus": isPair ? `${at.place}[${index}]` : at.place,
    "aria-label": `Value${isPair ? (index ? ", to" : ", from") : ""}`,
    oninput: (event) => set(holder, index, event.target.value, at.onchange),
  };
  const kind = operator.value_kind;
  if (field.choices.length && (kind !== "text" || ["eq", "ne"].includes(operator.key)))
    return choiceSelect(field, value, common);
  if (kind === "date") return h("input", { class: "input value-date", type: "date", value, ...common });
  if (kind === "text") return textInput(value, operator, at, common);
  return numberInput(kind, field, value, at.currency, common);
}

function textInput(value, operator, at, common) {
  const input = h("input", { class: "input value-text", type: "text", value, maxLength: 500, autocomplete: "off", ...common });
  return at.suggest && comparesWholeValue(operator) ? suggestValues(input, at.suggest) : input;
}

const comparesWholeValue = (operator) => /^(eq|ne)(_any_case)?$/.test(operator.key);

// A text input with a numeric keyboard: a number input would hide typing errors from the server.
function numberInput(kind, field, value, currency, common) {
  const inputMode = ["integer", "days", "count"].includes(kind) ? "numeric" : "decimal";
  const input = h("input", { class: "input value-number", type: "text", inputMode, value, autocomplete: "off", ...common });
  if (kind === "money") return h("span", { class: "with-unit" }, h("span", { class: "unit" }, currency), input);
  const unit = KIND_UNITS[kind] ?? UNITS[field.unit] ?? "";
  return unit ? h("span", { class: "with-unit" }, input, h("span", { class: "unit" }, unit)) : input;
}

function choiceSelect(field, value, common) {
  const options = field.choices.map((choice) =>
    h("option", { value: choice.value, selected: choice.value === value }, choice.title),
  );
  const isChosen = field.choices.some((choice) => choice.value === value);
  const empty = isChosen ? [] : [h("option", { value: "", selected: true }, "Choose…")];
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
  return h("fieldset", { class: "choices" }, h("legend", { class: "visually-hidden" }, "Values"), boxes);
}

// The inputs for the values of a condition: as many as the operator takes, each of the right kind.
import { h } from "./dom.js";

// The text after the input, by the metric's unit. A share is typed as it is stored; other pages show it in percent.
const UNITS = { days: "days", share: "from 0 to 1", score: "from 1 to 5" };

export function valueInputs(condition, field, operator, currency, onchange) {
  if (!operator || operator.values === "none") return [];
  if (operator.values === "many")
    return field.choices.length ? [choiceBoxes(condition, field, onchange)] : [listInput(condition, onchange)];
  if (operator.values === "two")
    return [
      scalar(condition, 0, field, operator, currency, onchange),
      h("span", { class: "muted" }, "and"),
      scalar(condition, 1, field, operator, currency, onchange),
    ];
  return [scalar(condition, 0, field, operator, currency, onchange)];
}

function set(condition, place, text, onchange) {
  while (condition.values.length < place) condition.values.push("");
  condition.values[place] = text;
  onchange();
}

function scalar(condition, place, field, operator, currency, onchange) {
  const value = condition.values[place] ?? "";
  const common = {
    "data-focus": `value-${place}`,
    "aria-label": `Value${operator.values === "two" ? (place ? ", to" : ", from") : ""}`,
    oninput: (event) => set(condition, place, event.target.value, onchange),
  };
  if (field.choices.length && ["eq", "ne"].includes(operator.key)) return choiceSelect(field, value, common);
  const kind = operator.value_kind;
  if (kind === "date") return h("input", { class: "input value-date", type: "date", value, ...common });
  if (kind === "text")
    return h("input", { class: "input value-text", type: "text", value, maxLength: 500, autocomplete: "off", ...common });
  // A text input with a numeric keyboard: a number input would hide typing errors from the server.
  const input = h("input", {
    class: "input value-number",
    type: "text",
    inputMode: kind === "integer" || kind === "days" ? "numeric" : "decimal",
    value,
    autocomplete: "off",
    ...common,
  });
  const unit = kind === "days" ? "days" : (UNITS[field.unit] ?? "");
  if (kind === "money") return h("span", { class: "with-unit" }, h("span", { class: "unit" }, currency), input);
  return unit ? h("span", { class: "with-unit" }, input, h("span", { class: "unit" }, unit)) : input;
}

function choiceSelect(field, value, common) {
  const options = field.choices.map((word) => h("option", { value: word, selected: word === value }, word));
  const empty = field.choices.includes(value) ? [] : [h("option", { value: "", selected: true }, "Choose…")];
  return h("select", { class: "select value-text", ...common }, empty, options);
}

function choiceBoxes(condition, field, onchange) {
  const toggle = (word, on) => {
    condition.values = field.choices.filter((other) => (other === word ? on : condition.values.includes(other)));
    onchange();
  };
  const boxes = field.choices.map((word, i) =>
    h(
      "label",
      { class: "choice" },
      h("input", {
        type: "checkbox",
        checked: condition.values.includes(word),
        "data-focus": `value-${i}`,
        onchange: (event) => toggle(word, event.target.checked),
      }),
      word,
    ),
  );
  return h("fieldset", { class: "choices" }, h("legend", { class: "visually-hidden" }, "Values"), boxes);
}

function listInput(condition, onchange) {
  const oninput = (event) => {
    condition.values = event.target.value.split("\n");
    onchange();
  };
  return h("textarea", {
    class: "input value-list",
    rows: 3,
    placeholder: "One value per line",
    "aria-label": "Values, one per line",
    "data-focus": "value-0",
    value: condition.values.join("\n"),
    oninput,
  });
}

// An input for several values: each becomes a chip, which can be removed.
import { h, icon } from "./dom.js";
import { suggestValues } from "./suggestions.js";

export function chipsInput(holder, { place, suggest, onchange }) {
  const chips = h("ul", { class: "chips", "aria-label": "Values" });
  const input = h("input", {
    class: "input value-text",
    type: "text",
    maxLength: 500,
    autocomplete: "off",
    placeholder: "Type a value, press Enter",
    "aria-label": "Add a value",
    "data-focus": place,
  });
  const draw = () => chips.replaceChildren(...holder.values.map((value) => chip(value, () => change(without(holder, value)))));
  const change = (values) => {
    holder.values = values;
    draw();
    onchange();
  };
  const add = (texts) => {
    const values = texts.map((text) => text.trim()).filter(Boolean);
    input.value = "";
    if (values.length) change([...new Set([...holder.values, ...values])]);
  };
  input.addEventListener("keydown", (event) => onKey(event, input, holder, add, change));
  input.addEventListener("input", (event) => {
    const isSuggestion = event.inputType === undefined || event.inputType === "insertReplacementText";
    if (isSuggestion) add([input.value]);
  });
  input.addEventListener("paste", (event) => {
    const lines = event.clipboardData.getData("text").split(/\r?\n/);
    if (lines.length === 1) return;
    event.preventDefault();
    add(lines);
  });
  input.addEventListener("blur", () => add([input.value]));
  draw();
  return h("div", { class: "chips-input" }, chips, suggestValues(input, suggest));

  function chip(value, onclick) {
    const remove = () => {
      onclick();
      input.focus();
    };
    const button = h(
      "button",
      { type: "button", class: "chip-remove", "aria-label": `Remove ${value}`, onclick: remove },
      icon("x"),
    );
    return h("li", { class: "chip" }, value, button);
  }
}

const without = (holder, value) => holder.values.filter((other) => other !== value);

function onKey(event, input, holder, add, change) {
  if (event.key === "Enter") {
    event.preventDefault();
    add([input.value]);
  } else if (event.key === "Backspace" && input.value === "" && holder.values.length) change(holder.values.slice(0, -1));
}

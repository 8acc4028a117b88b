// An input for several values: each becomes a chip, which can be removed.
import { h, icon, interpolateText } from "./dom.js";
import { nameOf, suggestValues } from "./suggestions.js";

export function chipsInput(holder, { place, suggest, onchange }) {
  const chips = h("ul", { class: "chips", "aria-label": gettext("Values") });
  const input = h("input", {
    class: "input value-text",
    type: "text",
    maxLength: 500,
    autocomplete: "off",
    placeholder: gettext("Type a value, press Enter"),
    "aria-label": gettext("Add a value"),
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
  const box = suggest ? suggestValues(input, { source: suggest, onchoose: (value) => add([value]), checksValue: false }) : input;
  input.addEventListener("keydown", (event) => onKey(event, input, holder, add, change));
  input.addEventListener("paste", (event) => {
    const lines = event.clipboardData.getData("text").split(/\r?\n/);
    if (lines.length === 1) return;
    event.preventDefault();
    add(lines);
  });
  input.addEventListener("blur", () => add([input.value]));
  draw();
  return h("div", { class: "chips-input" }, chips, box);

  function chip(value, onclick) {
    const remove = () => {
      onclick();
      input.focus();
    };
    const label = interpolateText(gettext("Remove %(value)s"), { value });
    const button = h("button", { type: "button", class: "chip-remove", "aria-label": label, onclick: remove }, icon("x"));
    return h("li", { class: "chip", title: value }, nameOf(suggest, value) ?? value, button);
  }
}

const without = (holder, value) => holder.values.filter((other) => other !== value);

function onKey(event, input, holder, add, change) {
  if (event.key === "Enter") {
    event.preventDefault();
    add([input.value]);
  } else if (event.key === "Backspace" && input.value === "" && holder.values.length) change(holder.values.slice(0, -1));
}

// The field picker: a button that opens a list of all metrics by group, with a search. Follows the ARIA combobox pattern.
import { h, icon } from "./dom.js";

let openPicker = null;

export function fieldPicker(fields, selectedKey, onchoose) {
  const field = fields.get(selectedKey);
  const button = h(
    "button",
    {
      type: "button",
      class: `field-button${field ? "" : " field-button-empty"}`,
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "data-focus": "field",
      "aria-label": field ? `Metric: ${field.title}` : "Choose a metric",
      title: field?.about,
    },
    h("span", {}, field ? field.title : "Choose a metric…"),
    icon("chevron-down"),
  );
  const picker = h("div", { class: "field-picker" }, button);
  button.addEventListener("click", () => (openPicker?.picker === picker ? close() : open(picker, button, fields, selectedKey, onchoose)));
  return picker;
}

function open(picker, button, fields, selectedKey, onchoose) {
  close();
  const list = h("ul", { class: "field-list", role: "listbox", id: "field-list", "aria-label": "Metrics" });
  const search = h("input", {
    class: "input",
    type: "search",
    placeholder: "Search metrics",
    autocomplete: "off",
    spellcheck: false,
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "field-list",
    "aria-autocomplete": "list",
    "aria-label": "Search metrics",
  });
  const panel = h("div", { class: "field-panel" }, search, list);
  const choose = (key) => {
    close();
    onchoose(key);
  };
  search.addEventListener("input", () => fill(list, search, fields, selectedKey, choose));
  search.addEventListener("keydown", (event) => onKey(event, list, search, button));
  picker.append(panel);
  button.setAttribute("aria-expanded", "true");
  openPicker = { picker, panel, button };
  fill(list, search, fields, selectedKey, choose);
  search.focus();
}

function close() {
  if (!openPicker) return;
  openPicker.panel.remove();
  openPicker.button.setAttribute("aria-expanded", "false");
  openPicker = null;
}

function fill(list, search, fields, selectedKey, choose) {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (field) =>
    words.every((word) => `${field.title} ${field.about} ${field.group} ${field.key}`.toLowerCase().includes(word));
  const groups = Map.groupBy([...fields.values()].filter(fits), (field) => field.group);
  const items = [];
  for (const [group, members] of groups) {
    items.push(h("li", { class: "field-group", role: "presentation" }, group));
    for (const field of members) items.push(option(field, field.key === selectedKey, choose));
  }
  list.replaceChildren(...(items.length ? items : [h("li", { class: "field-none", role: "presentation" }, "No matching metric.")]));
  mark(list.querySelector("[aria-selected=true]") ?? list.querySelector("[role=option]"), list, search);
}

function option(field, isSelected, choose) {
  return h(
    "li",
    {
      role: "option",
      id: `field-${field.key}`,
      class: "field-option",
      "aria-selected": String(isSelected),
      onclick: () => choose(field.key),
      onpointermove: (event) =>
        mark(event.currentTarget, event.currentTarget.parentElement, event.currentTarget.parentElement.previousElementSibling),
    },
    h("span", { class: "field-title" }, field.title),
    h("span", { class: "field-about" }, field.about),
  );
}

function mark(item, list, search) {
  list.querySelector(".marked")?.classList.remove("marked");
  item?.classList.add("marked");
  search.setAttribute("aria-activedescendant", item?.id ?? "");
}

function onKey(event, list, search, button) {
  const items = [...list.querySelectorAll("[role=option]")];
  const at = items.findIndex((item) => item.classList.contains("marked"));
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
  if (event.key in moves && items.length) {
    const item = items[(moves[event.key] + items.length) % items.length];
    mark(item, list, search);
    item.scrollIntoView({ block: "nearest" });
    event.preventDefault();
  } else if (event.key === "Enter") {
    items[at]?.click();
    event.preventDefault();
  } else if (event.key === "Escape" || event.key === "Tab") {
    close();
    if (event.key === "Escape") {
      button.focus();
      event.preventDefault();
    }
  }
}

document.addEventListener("pointerdown", (event) => {
  if (openPicker && !openPicker.picker.contains(event.target)) close();
});

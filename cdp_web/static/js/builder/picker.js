// A picker: a button that opens a list by group, with a search. Follows the ARIA combobox pattern.
//
// The items are {key, title, about, group}; `texts` is {label, choose, search, list, none}, and `missing` is shown for a selected
// key that is no item.
import { h, icon } from "./dom.js";

let openPicker = null;

export function picker({ items, selected, texts, missing, focus, onchoose }) {
  const item = items.find((entry) => entry.key === selected);
  const title = item?.title ?? (selected ? missing : "");
  const button = h(
    "button",
    {
      type: "button",
      class: `field-button${title ? "" : " field-button-empty"}`,
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "data-focus": focus,
      "aria-label": title ? `${texts.label}: ${title}` : texts.choose,
      title: item?.about,
    },
    h("span", {}, title || `${texts.choose}…`),
    icon("chevron-down"),
  );
  const box = h("div", { class: "field-picker" }, button);
  button.addEventListener("click", () =>
    openPicker?.box === box ? close() : open({ box, button, items, selected, texts, onchoose }),
  );
  return box;
}

function open(picker) {
  close();
  const { box, button, texts } = picker;
  const list = h("ul", { class: "field-list", role: "listbox", id: "field-list", "aria-label": texts.list });
  const search = h("input", {
    class: "input",
    type: "search",
    placeholder: texts.search,
    autocomplete: "off",
    spellcheck: false,
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "field-list",
    "aria-autocomplete": "list",
    "aria-label": texts.search,
  });
  openPicker = { ...picker, list, search, panel: h("div", { class: "field-panel" }, search, list) };
  search.addEventListener("input", () => fill(openPicker));
  search.addEventListener("keydown", (event) => onKey(event, list, search, button));
  box.append(openPicker.panel);
  button.setAttribute("aria-expanded", "true");
  fill(openPicker);
  search.focus({ preventScroll: true });
  openPicker.panel.scrollIntoView({ block: "nearest" });
}

function close() {
  if (!openPicker) return;
  openPicker.panel.remove();
  openPicker.button.setAttribute("aria-expanded", "false");
  openPicker = null;
}

function fill({ list, search, items, selected, texts, onchoose }) {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (item) =>
    words.every((word) =>
      `${item.title} ${item.about ?? ""} ${item.group ?? ""} ${item.key}`.toLowerCase().includes(word),
    );
  const groups = Map.groupBy(items.filter(fits), (item) => item.group);
  const rows = [];
  for (const [group, members] of groups) {
    if (group) rows.push(h("li", { class: "field-group", role: "presentation" }, group));
    for (const item of members) rows.push(option(item, item.key === selected, onchoose));
  }
  list.replaceChildren(...(rows.length ? rows : [h("li", { class: "field-none", role: "presentation" }, texts.none)]));
  mark(list.querySelector("[aria-selected=true]") ?? list.querySelector("[role=option]"), list, search);
}

function option(item, isSelected, onchoose) {
  const onclick = () => {
    close();
    onchoose(item.key);
  };
  return h(
    "li",
    {
      role: "option",
      id: `field-${item.key}`,
      class: "field-option",
      "aria-selected": String(isSelected),
      onclick,
      onpointermove: (event) => mark(event.currentTarget, openPicker.list, openPicker.search),
    },
    h("span", { class: "field-title" }, item.title),
    item.about && h("span", { class: "field-about" }, item.about),
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
  if (openPicker && !openPicker.box.contains(event.target)) close();
});

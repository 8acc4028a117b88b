// A picker: a button that opens a list by group, with a search. Follows the ARIA combobox pattern. On a phone the list fills the
// screen.
//
// The items are {key, title, about, group, note, depth}, or a function that loads them; `texts` is {label, choose, search, list, none}, and `missing` is shown for a
// selected key that is no item.
import { h, icon, iconButton } from "./dom.js";
import { rank } from "./ranking.js";

let openPicker = null;

export function picker({ items, selected, texts, missing, focus, onchoose }) {
  const item = Array.isArray(items) ? items.find((entry) => entry.key === selected) : null;
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
    openPicker?.box === box ? close() : start({ box, button, items, selected, texts, onchoose }),
  );
  return box;
}

async function start(picker) {
  const items = Array.isArray(picker.items) ? picker.items : await picker.items();
  open({ ...picker, items });
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
  const cancel = iconButton(icon("x"), gettext("Close"), () => {
    close();
    button.focus();
  });
  const head = h("div", { class: "field-head" }, search, cancel);
  openPicker = { ...picker, list, search, panel: h("div", { class: "field-panel" }, head, list) };
  search.addEventListener("input", () => fill(openPicker));
  search.addEventListener("keydown", (event) => onKey(event, list, search, button));
  box.append(openPicker.panel);
  button.setAttribute("aria-expanded", "true");
  fill(openPicker);
  search.focus({ preventScroll: true });
  if (getComputedStyle(openPicker.panel).position !== "fixed") openPicker.panel.scrollIntoView({ block: "nearest" });
  list.querySelector(".marked")?.scrollIntoView({ block: "nearest" });
}

function close() {
  if (!openPicker) return;
  openPicker.panel.remove();
  openPicker.button.setAttribute("aria-expanded", "false");
  openPicker = null;
}

// Without a search the items are in their groups; a search puts the best ones first.
function fill({ list, search, items, selected, texts, onchoose }) {
  const results = rank(items, search.value);
  const isSearch = search.value.trim() !== "";
  const groups = isSearch ? new Map([["", results]]) : Map.groupBy(results, (item) => item.group);
  const rows = [];
  for (const [group, members] of groups) {
    if (group) rows.push(h("li", { class: "field-group", role: "presentation" }, group));
    for (const item of members) rows.push(option(item, rows.length, item.key === selected, onchoose));
  }
  list.replaceChildren(...(rows.length ? rows : [h("li", { class: "field-none", role: "presentation" }, texts.none)]));
  list.scrollTop = 0;
  const chosen = isSearch ? null : list.querySelector("[aria-selected=true]");
  mark(chosen ?? list.querySelector("[role=option]"), list, search);
}

function option(item, place, isSelected, onchoose) {
  const onclick = () => {
    close();
    onchoose(item.key);
  };
  return h(
    "li",
    {
      role: "option",
      id: `field-option-${place}`,
      class: `field-option${item.depth ? ` field-depth-${item.depth}` : ""}`,
      "aria-selected": String(isSelected),
      onclick,
      onpointermove: (event) => mark(event.currentTarget, openPicker.list, openPicker.search),
    },
    h("span", { class: "field-title" }, item.title, item.note && h("span", { class: "field-note" }, item.note)),
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
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1 };
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

// Menus of a button: the kinds of conditions, and the moves of a node. Follow the ARIA menu button pattern.
import { h, icon } from "./dom.js";

const listKinds = () => [
  { key: "metric", mark: icon("user"), title: gettext("Metric"), about: gettext("A number, day or word of the profile") },
  { key: "behaviour", mark: icon("shopping-cart"), title: gettext("Behaviour"), about: gettext("What customers did or did not do") },
  { key: "sequence", mark: icon("clock"), title: gettext("Sequence"), about: gettext("One step, then another within some days") },
  { key: "segment", mark: icon("layers"), title: gettext("Segment"), about: gettext("Is or is not in another segment") },
  { key: "list", mark: icon("users"), title: gettext("List"), about: gettext("Is or is not in an uploaded list") },
  {
    key: "recommended",
    mark: icon("target"),
    title: gettext("Recommendation"),
    about: gettext("Gets a product or category recommended"),
  },
  { key: "group", mark: icon("folder-plus"), title: gettext("Group"), about: gettext("All or any of several conditions") },
];
let openMenu = null;

export function addMenu({ withGroup, onchoose }) {
  const button = h(
    "button",
    { type: "button", class: "button button-small", "data-focus": "add", "aria-label": gettext("Add condition to this group") },
    icon("plus"),
    gettext("Add condition"),
  );
  const entries = () => listKinds().filter(({ key }) => key !== "group" || withGroup);
  return menuOf(button, { label: gettext("Kind of condition"), entries, onchoose });
}

// `entries` lists {key, mark, title, about} when the menu opens.
export function menuOf(button, { label, entries, onchoose }) {
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  const box = h("div", { class: "add-menu" }, button);
  button.addEventListener("click", () => (openMenu?.box === box ? close() : open(box, button, label, entries(), onchoose)));
  return box;
}

function open(box, button, label, entries, onchoose) {
  close();
  const choose = (key) => {
    close();
    button.focus();
    onchoose(key);
  };
  const items = entries.map(({ key, mark, title, about }) =>
    h(
      "button",
      { type: "button", role: "menuitem", tabIndex: -1, class: "menu-entry", onclick: () => choose(key) },
      mark,
      h("span", { class: "field-title" }, title),
      about && h("span", { class: "field-about" }, about),
    ),
  );
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label }, items);
  menu.addEventListener("keydown", (event) => onKey(event, items, button));
  box.append(menu);
  button.setAttribute("aria-expanded", "true");
  openMenu = { box, menu, button };
  items[0]?.focus({ preventScroll: true });
  menu.scrollIntoView({ block: "nearest" });
}

function close() {
  if (!openMenu) return;
  openMenu.menu.remove();
  openMenu.button.setAttribute("aria-expanded", "false");
  openMenu = null;
}

function onKey(event, items, button) {
  const at = items.indexOf(document.activeElement);
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
  if (event.key in moves) {
    items[(moves[event.key] + items.length) % items.length].focus();
    event.preventDefault();
    event.stopPropagation();
  } else if (event.key === "Escape") {
    close();
    button.focus();
  } else if (event.key === "Tab") close();
}

document.addEventListener("pointerdown", (event) => {
  if (openMenu && !openMenu.box.contains(event.target)) close();
});

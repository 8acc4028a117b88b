// The menu of "Add condition": the kinds of conditions, and a group. Follows the ARIA menu button pattern.
import { h, icon } from "./dom.js";

const listEntries = () => [
  { kind: "metric", mark: icon("user"), title: "Metric", about: "A number, day or word of the profile" },
  { kind: "behaviour", mark: icon("shopping-cart"), title: "Behaviour", about: "What customers did or did not do" },
  { kind: "sequence", mark: icon("clock"), title: "Sequence", about: "One step, then another within some days" },
  { kind: "segment", mark: icon("layers"), title: "Segment", about: "Is or is not in another segment" },
  { kind: "list", mark: icon("users"), title: "List", about: "Is or is not in an uploaded list" },
  { kind: "group", mark: icon("folder-plus"), title: "Group", about: "All or any of several conditions" },
];
let openMenu = null;

export function addMenu({ withGroup, onchoose }) {
  const button = h(
    "button",
    {
      type: "button",
      class: "button button-small",
      "data-focus": "add",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": "Add condition to this group",
    },
    icon("plus"),
    "Add condition",
  );
  const box = h("div", { class: "add-menu" }, button);
  button.addEventListener("click", () => (openMenu?.box === box ? close() : open(box, button, withGroup, onchoose)));
  return box;
}

function open(box, button, withGroup, onchoose) {
  close();
  const choose = (kind) => {
    close();
    onchoose(kind);
  };
  const entries = listEntries().filter(({ kind }) => kind !== "group" || withGroup);
  const items = entries.map(({ kind, mark, title, about }) =>
    h(
      "button",
      { type: "button", role: "menuitem", tabIndex: -1, class: "menu-entry", onclick: () => choose(kind) },
      mark,
      h("span", { class: "field-title" }, title),
      h("span", { class: "field-about" }, about),
    ),
  );
  const menu = h("div", { class: "menu", role: "menu", "aria-label": "Kind of condition" }, items);
  menu.addEventListener("keydown", (event) => onKey(event, items, button));
  box.append(menu);
  button.setAttribute("aria-expanded", "true");
  openMenu = { box, menu, button };
  items[0].focus({ preventScroll: true });
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
  } else if (event.key === "Escape") {
    close();
    button.focus();
  } else if (event.key === "Tab") close();
}

document.addEventListener("pointerdown", (event) => {
  if (openMenu && !openMenu.box.contains(event.target)) close();
});

// Suggests values of a field while somebody types, with the number of customers of each, and says when no customer has the value.
// Follows the ARIA combobox pattern.
import { read } from "./api.js";
import { h, interpolateText } from "./dom.js";
import { formatCount } from "./formats.js";

const PAUSE = 150;
const names = new Map();
let lastId = 0;

// The name of a product or category that the page has suggested; undefined for other values.
export const nameOf = (source, value) => names.get(`${source}=${value}`);

// The input with its list. `source` is the address of the API with its field: "/values?field=brand". `onchoose` receives a chosen
// value; `checksValue` says whether the whole value is compared, so an unknown one finds nobody; `onstart` turns the condition
// into "starts with".
export function suggestValues(input, { source, onchoose, checksValue, onstart }) {
  const id = `suggestions-${++lastId}`;
  const list = h("ul", { class: "value-list", role: "listbox", id, "aria-label": gettext("Values in the data"), hidden: true });
  const hint = h("p", { class: "hint value-hint", role: "status", hidden: true });
  let timer = 0;
  Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list" }).forEach(
    ([name, value]) => input.setAttribute(name, value),
  );

  const hide = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  // Beside a value is its name, if it has one.
  const showName = (value) => {
    const name = checksValue ? nameOf(source, value) : "";
    hint.hidden = !name;
    hint.classList.toggle("value-name", Boolean(name));
    if (name) hint.replaceChildren(name);
  };
  const choose = (value) => {
    hide();
    showName(value);
    onchoose(value);
  };
  const option = ({ value, name, customers }, i) =>
    h(
      "li",
      {
        role: "option",
        id: `${id}-${i}`,
        class: "value-option",
        "aria-selected": "false",
        "data-value": value,
        // Before the input loses the focus.
        onpointerdown: (event) => {
          event.preventDefault();
          choose(value);
        },
      },
      h("span", {}, name || value, name && h("span", { class: "value-id" }, value)),
      h("span", { class: "muted small" }, formatCount(customers)),
    );
  const fill = async (isOpen) => {
    const text = input.value.trim();
    const values = (await read(`${source}&q=${encodeURIComponent(text)}`))?.values;
    if (!values || input.value.trim() !== text) return;
    values.forEach(({ value, name }) => name && names.set(`${source}=${value}`, name));
    list.replaceChildren(...values.map(option));
    if (isOpen && document.activeElement === input && values.length) {
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
    } else hide();
    warn(text, values);
  };
  const warn = (text, values) => {
    const isUnknown = checksValue && text !== "" && values[0]?.value !== text;
    if (!isUnknown) return showName(text);
    hint.hidden = false;
    hint.classList.remove("value-name");
    const parts = [interpolateText(gettext("No customer has the value “%(value)s”."), { value: text })];
    if (values.length) parts.push(` ${gettext("Choose one of the list, or:")} `);
    const button = h("button", { type: "button", class: "link", onclick: onstart }, gettext("values that start with it"));
    hint.replaceChildren(...parts, ...(values.length && onstart ? [button] : []));
  };
  const fillSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => fill(true), PAUSE);
  };
  input.addEventListener("input", fillSoon);
  input.addEventListener("focus", fillSoon);
  input.addEventListener("blur", () => {
    clearTimeout(timer);
    hide();
  });
  input.addEventListener("keydown", (event) => onKey(event, input, list, hide, choose));
  if (checksValue && input.value) fill(false);
  return h("span", { class: "with-suggestions" }, input, list, hint);
}

function onKey(event, input, list, hide, choose) {
  if (list.hidden) return;
  const items = [...list.children];
  const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  const moves = { ArrowDown: at + 1, ArrowUp: at < 0 ? items.length - 1 : at - 1 };
  if (event.key in moves) {
    event.preventDefault();
    const next = items[(moves[event.key] + items.length) % items.length];
    items.forEach((item) => item.setAttribute("aria-selected", String(item === next)));
    input.setAttribute("aria-activedescendant", next.id);
    next.scrollIntoView({ block: "nearest" });
  } else if (event.key === "Enter" && at >= 0) {
    event.preventDefault();
    event.stopImmediatePropagation();
    choose(items[at].dataset.value);
  } else if (event.key === "Escape") {
    event.preventDefault();
    hide();
  }
}

// Creates elements. Text is always set as text, never as HTML.
const ICONS = document.getElementById("builder").dataset.icons;

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function svg(tag, properties = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function icon(name) {
  return svg("svg", { class: "icon icon-small", "aria-hidden": "true" }, svg("use", { href: `${ICONS}#${name}` }));
}

export function iconButton(iconElement, label, onclick, properties = {}) {
  return h(
    "button",
    { type: "button", class: "button button-quiet button-small button-icon", title: label, onclick, ...properties },
    iconElement,
    h("span", { class: "visually-hidden" }, label),
  );
}

export const interpolateText = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

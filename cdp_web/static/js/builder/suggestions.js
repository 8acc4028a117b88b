// Suggests values of a field while somebody types, with the number of customers of each.
import { h } from "./dom.js";

const PAUSE = 200;
const number = new Intl.NumberFormat("en");
const answers = new Map();
let lastId = 0;

// The input with its list of suggestions. `source` is the address of the API with its field: "/values?field=brand".
export function suggestValues(input, source) {
  const list = h("datalist", { id: `suggestions-${++lastId}` });
  let timer = 0;
  const fill = async () => {
    const values = await load(source, input.value.trim());
    const option = ({ value, customers }) => h("option", { value }, `${number.format(customers)} customers`);
    list.replaceChildren(...values.map(option));
  };
  const fillSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(fill, PAUSE);
  };
  input.setAttribute("list", list.id);
  input.addEventListener("input", fillSoon);
  input.addEventListener("focus", fillSoon);
  return h("span", { class: "with-suggestions" }, input, list);
}

// Suggestions only help: without an answer, any value can still be typed.
async function load(source, text) {
  const address = `${source}&q=${encodeURIComponent(text)}`;
  if (answers.has(address)) return answers.get(address);
  try {
    const response = await fetch(address, { credentials: "same-origin", headers: { Accept: "application/json" } });
    const values = response.ok ? ((await response.json()).values ?? []) : [];
    answers.set(address, values);
    return values;
  } catch {
    return [];
  }
}

// Draws the figures of a page. The server builds them; colours are the names of design tokens, which are resolved here, so a change of
// theme draws them again. A point with an address in its customdata opens it.
const TOKEN = /^var\((--[\w-]+)\)$/;

function makeResolver() {
  const probe = document.createElement("i");
  document.body.append(probe);
  const known = new Map();
  const resolve = (name) => {
    if (!known.has(name)) {
      // A token may contain light-dark(); only a real property resolves it to the current colour.
      probe.style.color = `var(${name})`;
      known.set(name, getComputedStyle(probe).color);
    }
    return known.get(name);
  };
  return { resolve, end: () => probe.remove() };
}

function withColours(value, resolve) {
  if (typeof value === "string") {
    const match = TOKEN.exec(value);
    return match ? resolve(match[1]) : value;
  }
  if (Array.isArray(value)) return value.map((each) => withColours(each, resolve));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withColours(each, resolve)]));
  }
  return value;
}

function open(event) {
  const point = event.points[0];
  const address = Array.isArray(point.customdata) ? point.customdata[0] : point.customdata;
  if (typeof address === "string" && /^[/?]/.test(address)) location.assign(address);
}

function draw(place) {
  const figure = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  const { resolve, end } = makeResolver();
  const { data, layout } = withColours(figure, resolve);
  end();
  layout.font = { ...layout.font, family: getComputedStyle(document.body).fontFamily };
  const isNew = !place.data;
  Plotly.react(place, data, layout, { displayModeBar: false, responsive: true });
  if (isNew) place.on("plotly_click", open);
}

const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);
drawAll();
document.addEventListener("themechange", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
document.addEventListener("htmx:afterSwap", drawAll);

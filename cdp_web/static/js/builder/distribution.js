// A histogram below a number while it has the focus: where the customers are. A click on a bar takes its lower end.
import { read } from "./api.js";
import { h, interpolateText, svg } from "./dom.js";
import { formatCount, formatShort } from "./formats.js";
import { shiftPoint, toTyped } from "./numbers.js";

const WIDTH = 240;
const HEIGHT = 44;

// `signs` are those of numbers.js.
export function showDistribution(box, input, { source, isShare, signs, onchoose }) {
  const panel = h("span", { class: "distribution", hidden: true });
  const holder = h("span", { class: "with-distribution" }, box, panel);
  let isWanted = false;
  input.addEventListener("focus", async () => {
    isWanted = true;
    const answer = await read(source);
    if (!answer?.bins.length || !isWanted) return;
    panel.replaceChildren(draw(answer, isShare, (number) => onchoose(toTyped(number, signs))), words(answer, isShare));
    panel.hidden = false;
  });
  // Once a value is typed, the histogram would only cover what is below.
  for (const event of ["blur", "input"])
    input.addEventListener(event, () => {
      isWanted = false;
      panel.hidden = true;
    });
  return holder;
}

const typed = (number, isShare) => (isShare ? shiftPoint(String(Number(number)), 2) : String(Number(number)));
const shown = (number, isShare) => formatShort(Number(typed(number, isShare))) + (isShare ? "%" : "");

// The height is the root of the number, so a bar with few customers is still seen beside one with most of them.
function draw({ bins }, isShare, onchoose) {
  const most = Math.sqrt(Math.max(...bins.map((bin) => bin.customers)));
  const step = WIDTH / bins.length;
  const bars = bins.map((bin, i) => {
    const height = bin.customers ? Math.max(2, (HEIGHT * Math.sqrt(bin.customers)) / most) : 0;
    const end = bin.end === null ? "…" : shown(bin.end, isShare);
    const title = svg("title");
    title.textContent = interpolateText(gettext("%(start)s to %(end)s: %(count)s customers"), {
      start: shown(bin.start, isShare),
      end,
      count: formatCount(bin.customers),
    });
    const bar = svg("rect", { x: i * step, y: HEIGHT - height, width: Math.max(1, step - 1), height, class: "value" });
    const area = svg("rect", { x: i * step, y: 0, width: step, height: HEIGHT, class: "area" }, title);
    // Before the input loses the focus.
    area.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      onchoose(typed(bin.start, isShare));
    });
    return svg("g", {}, bar, area);
  });
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "histogram", "aria-hidden": "true" }, ...bars);
}

function words({ least, median, greatest, missing }, isShare) {
  const values = { least: shown(least, isShare), median: shown(median, isShare), greatest: shown(greatest, isShare) };
  const text = interpolateText(gettext("from %(least)s to %(greatest)s, half of them up to %(median)s"), values);
  const without = interpolateText(gettext("%(count)s customers have no value"), { count: formatCount(missing) });
  return h("span", { class: "hint" }, missing ? `${text}; ${without}` : text);
}

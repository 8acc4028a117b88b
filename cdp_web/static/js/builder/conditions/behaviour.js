// What customers did: whether they did it, or a measure of it compared with a value.
import { h } from "../dom.js";
import { timesAtLeast } from "../leaves.js";
import { comparisonInputs, eventSelect, select, windowInputs } from "./controls.js";
import { filterRows } from "./filters.js";

const MODES = [
  { key: "did", title: gettext("did") },
  { key: "did_not", title: gettext("did not") },
  { key: "measure", title: gettext("measure…") },
];

export function drawBehaviour(node, context) {
  const redraw = (focus) => context.changed({ focus: [node.id, focus] });
  const chooseMode = (mode) => {
    node.mode = mode;
    Object.assign(node, timesAtLeast("1"));
    redraw("behaviour.did");
  };
  const chooseEvent = () => {
    if (!listMeasures(node, context).some((measure) => measure.key === node.measure)) Object.assign(node, timesAtLeast("1"));
    redraw("behaviour.event");
  };
  return {
    sentence: [
      select({
        label: gettext("Did or did not"),
        place: "behaviour.did",
        options: MODES,
        selected: node.mode,
        onchange: chooseMode,
      }),
      eventSelect(node.step, "behaviour", context, chooseEvent),
      node.mode === "measure" && measureInputs(node, context, redraw),
      windowInputs(node, "behaviour", context),
    ],
    body: h("div", { class: "step" }, filterRows(node, node.step, "behaviour", context)),
    about: () => (node.mode === "measure" ? context.words.measures.get(node.measure)?.about : ""),
  };
}

const listMeasures = (node, { words }) => [...words.measures.values()].filter(({ events }) => events.includes(node.step.event));

function measureInputs(node, context, redraw) {
  const { measures } = context.words;
  const measure = measures.get(node.measure);
  const onchange = (key) => {
    const after = measures.get(key);
    const usual = after.operators.find((entry) => entry.key === "ge") ?? after.operators[0];
    if (measure?.kind !== after.kind) Object.assign(node, { operator: usual.key, values: [] });
    node.measure = key;
    redraw("behaviour.measure");
  };
  const options = listMeasures(node, context);
  return [
    select({ label: gettext("Measure"), place: "behaviour.measure", options, selected: node.measure, onchange }),
    ...(measure ? comparisonInputs(node, measure, { place: "behaviour", node, context }) : []),
  ];
}

// One step, then another that follows within some days, or does not.
import { h, interpolateText } from "../dom.js";
import { isTyped } from "../leaves.js";
import { eventSelect, select, windowInputs, word } from "./controls.js";
import { filterRows } from "./filters.js";

const FOLLOWS = [
  { key: "true", title: gettext("did") },
  { key: "false", title: gettext("did not") },
];

export function drawSequence(node, context) {
  const redraw = (focus) => context.changed({ focus: [node.id, focus] });
  return {
    sentence: [
      word(gettext("first did")),
      eventSelect(node.first, "sequence.first", context, () => redraw("sequence.first.event")),
      windowInputs(node, "sequence", context),
    ],
    body: [
      h(
        "div",
        { class: "step", role: "group", "aria-label": gettext("Filters of the first step") },
        filterRows(node, node.first, "sequence.first", context),
      ),
      secondStep(node, context, redraw),
    ],
    about: () => explain(node),
  };
}

function secondStep(node, context, redraw) {
  return h(
    "div",
    { class: "step step-second", role: "group", "aria-label": gettext("Second step") },
    h(
      "div",
      { class: "sentence-line" },
      word(gettext("and within")),
      daysInput(node, context),
      word(gettext("days")),
      select({
        label: gettext("Did or did not"),
        place: "sequence.follows",
        options: FOLLOWS,
        selected: String(node.follows),
        onchange: (key) => {
          node.follows = key === "true";
          redraw("sequence.follows");
        },
      }),
      eventSelect(node.then, "sequence.then", context, () => redraw("sequence.then.event")),
      word(gettext("of")),
      sameSelect(node, context, redraw),
    ),
    filterRows(node, node.then, "sequence.then", context),
  );
}

function daysInput(node, context) {
  return h("input", {
    class: "input value-days",
    type: "text",
    inputMode: "numeric",
    autocomplete: "off",
    "aria-label": gettext("Days between the steps"),
    "data-focus": "sequence.within_days",
    title: interpolateText(gettext("From 0 to %(most)s days; 0 is the same day."), { most: context.words.maxStepDays }),
    value: node.withinDays,
    oninput: (event) => {
      node.withinDays = event.target.value;
      context.changed();
    },
  });
}

function sameSelect(node, { words }, redraw) {
  const shared = words.sharedFields.map((key) => ({ key, title: interpolateText(gettext("the same %(field)s"), { field: words.fields.get(key).title.toLowerCase() }) }));
  const onchange = (key) => {
    node.same = key;
    redraw("sequence.same");
  };
  const options = [{ key: "", title: gettext("anything") }, ...shared];
  return select({ label: gettext("Shared by both steps"), place: "sequence.same", options, selected: node.same, onchange });
}

// A "did not" holds only after the days are over, so a window that is too short matches nobody.
function explain({ follows, withinDays, window }) {
  if (follows) return gettext("Days are compared, not times: both steps may be on the same day.");
  const [days] = window.values;
  if (window.kind === "last_days" && isTyped(days) && isTyped(withinDays) && Number(withinDays) >= Number(days))
    return interpolateText(
      gettext(
        "Matches nobody: after a first step in the last %(days)s days, %(within)s days have not passed yet. Choose fewer days between the steps, or count first steps over a longer time.",
      ),
      { days, within: withinDays },
    );
  return gettext("Holds as soon as these days have passed without the second step.");
}

// What the first places of a customer's list of recommendations have. "Is not" is the negation of the node.
import { chipsInput } from "../chips.js";
import { h } from "../dom.js";
import { select, word } from "./controls.js";

export function drawRecommended(node, context) {
  const { kinds } = context.words.recommended;
  const redraw = (place) => context.changed({ focus: [node.id, place] });
  const chooseNegation = (key) => {
    node.negated = key === "is_not";
    redraw("recommended.is");
  };
  const chooseKind = (key) => {
    if ((key === "product") !== (node.what === "product")) node.values = [];
    node.what = key;
    redraw("recommended.what");
  };
  const field = node.what === "product" ? "recommended_product" : "recommended_category";
  const onchange = () => context.changed();
  return {
    sentence: [
      select({
        label: gettext("Is or is not recommended"),
        place: "recommended.is",
        options: [
          { key: "is", title: gettext("is recommended") },
          { key: "is_not", title: gettext("is not recommended") },
        ],
        selected: node.negated ? "is_not" : "is",
        onchange: chooseNegation,
      }),
      select({
        label: gettext("What is recommended"),
        place: "recommended.what",
        options: kinds,
        selected: node.what,
        onchange: chooseKind,
      }),
      chipsInput(node, { place: "recommended.values", suggest: `${context.values}?field=${field}`, onchange }),
      word(gettext("among the first")),
      placesInput(node, onchange),
      word(gettext("places")),
    ],
    about: () => kinds.find(({ key }) => key === node.what)?.about ?? "",
  };
}

function placesInput(node, onchange) {
  return h("input", {
    class: "input value-days",
    type: "text",
    inputMode: "numeric",
    autocomplete: "off",
    "aria-label": gettext("Number of places"),
    "data-focus": "recommended.places",
    value: node.places,
    oninput: (event) => {
      node.places = event.target.value;
      onchange();
    },
  });
}

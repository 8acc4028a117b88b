// Who would enter and leave if the changed rule were saved. Only the answer to the latest request is shown.
import { post } from "./api.js";
import { h, interpolateText } from "./dom.js";
import { formatCount } from "./formats.js";

const panel = document.getElementById("impact");
let request = null;

export function clearImpact() {
  request?.abort();
  panel?.replaceChildren();
}

export async function requestImpact(data, rule) {
  clearImpact();
  request = new AbortController();
  try {
    const { isOk, answer } = await post(data.impact, { rule }, request.signal);
    if (isOk) show(answer, data.customers);
    else panel.replaceChildren(h("p", { class: "hint" }, gettext("The effect of saving can't be counted for this rule.")));
  } catch (error) {
    if (error.name !== "AbortError")
      panel.replaceChildren(h("p", { class: "hint" }, gettext("The effect of saving is not available now.")));
  }
}

function show({ before, after, entered, left, entered_sample: enters, left_sample: leaves, segments, webhooks }, customers) {
  const names = segments.map((segment) => segment.name).join(", ");
  const sizes = { before: formatCount(before), after: formatCount(after) };
  const lines = [
    h("h3", {}, gettext("If you save")),
    h("p", {}, interpolateText(gettext("%(before)s → %(after)s members"), sizes)),
    h(
      "dl",
      { class: "impact-figures" },
      figure(gettext("enter"), `+${formatCount(entered)}`, "impact-enter"),
      figure(gettext("leave"), `−${formatCount(left)}`, "impact-leave"),
    ),
    sample(gettext("Some who enter"), enters, customers),
    sample(gettext("Some who leave"), leaves, customers),
    names && h("p", { class: "hint" }, interpolateText(gettext("Also changes: %(names)s"), { names })),
    webhooks.length > 0 &&
      h("p", { class: "hint" }, interpolateText(gettext("Reported to: %(names)s"), { names: webhooks.join(", ") })),
  ];
  panel.replaceChildren(...lines.filter(Boolean));
}

function figure(title, number, className) {
  return h("div", { class: className }, h("dt", {}, title), h("dd", {}, number));
}

function sample(title, ids, customers) {
  if (!ids.length) return null;
  const link = (id) =>
    h("li", {}, h("a", { class: "mono", href: customers + encodeURIComponent(id), target: "_blank", rel: "noopener" }, id));
  return h("details", {}, h("summary", {}, title), h("ul", { class: "impact-sample" }, ids.map(link)));
}

// Who would enter and leave if the changed rule were saved. Only the answer to the latest request is shown.
import { h } from "./dom.js";

const panel = document.getElementById("impact");
const number = new Intl.NumberFormat("en");
let request = null;

export function clearImpact() {
  request?.abort();
  panel?.replaceChildren();
}

export async function requestImpact(url, rule, token) {
  clearImpact();
  request = new AbortController();
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ rule }),
      signal: request.signal,
      credentials: "same-origin",
    });
    if (response.ok) show(await response.json());
    else panel.replaceChildren(h("p", { class: "hint" }, "The effect of saving can't be counted for this rule."));
  } catch (error) {
    if (error.name !== "AbortError") panel.replaceChildren(h("p", { class: "hint" }, "The effect of saving is not available now."));
  }
}

function show({ entered, left, segments, webhooks }) {
  const names = segments.map((segment) => segment.name);
  const lines = [
    h("p", {}, h("strong", {}, "If you save: "), `+${number.format(entered)} enter, −${number.format(left)} leave`),
    names.length > 0 && h("p", { class: "hint" }, `Also changes: ${names.join(", ")}`),
    webhooks.length > 0 && h("p", { class: "hint" }, `Reported to: ${webhooks.join(", ")}`),
  ];
  panel.replaceChildren(...lines.filter(Boolean));
}

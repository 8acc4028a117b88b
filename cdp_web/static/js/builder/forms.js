// The other forms of the rule below the tree: a sentence, JSON that can be edited, and SQL.
import { post } from "./api.js";
import { h } from "./dom.js";

const box = document.getElementById("rule-forms");
const part = (name) => box.querySelector(`[data-part="${name}"]`);
const text = part("json");

// `onapply` receives a document that the server has accepted.
export function startForms(data, onapply) {
  const tabs = [...box.querySelectorAll("[role=tab]")];
  for (const tab of tabs) {
    tab.addEventListener("click", () => choose(tabs, tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      choose(tabs, next);
      next.focus();
    });
  }
  part("apply").addEventListener("click", () => apply(data, onapply));
  text.addEventListener("input", () => {
    text.dataset.edited = "yes";
    showErrors([]);
  });
}

function choose(tabs, chosen) {
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === chosen ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
  }
}

export function showDocument(document) {
  if (text.dataset.edited) return;
  text.value = JSON.stringify(document, null, 2);
}

export function showAnswer(answer) {
  part("sentence").textContent = answer?.sentence ?? gettext("Finish the highlighted condition to read the rule as a sentence.");
  part("sql").textContent = answer?.sql ?? "";
}

async function apply(data, onapply) {
  let document;
  try {
    document = JSON.parse(text.value);
  } catch (error) {
    showErrors([{ path: "", says: `${gettext("This is not JSON:")} ${error.message}` }]);
    return;
  }
  try {
    const { isOk, answer } = await post(data.preview, { rule: document, segment: data.segment });
    if (!isOk && answer.code !== "too_expensive") {
      showErrors(answer.problems ?? [{ path: "", says: answer.detail }]);
      return;
    }
  } catch {
    showErrors([{ path: "", says: gettext("The site does not answer. Try again.") }]);
    return;
  }
  delete text.dataset.edited;
  showErrors([]);
  onapply(document);
}

function showErrors(errors) {
  const lines = errors.map(({ path, says }) => h("li", {}, path && h("code", {}, path), path ? ` ${says}` : says));
  part("errors").replaceChildren(...lines);
  text.setAttribute("aria-invalid", String(errors.length > 0));
}

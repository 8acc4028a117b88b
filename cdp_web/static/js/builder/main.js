// The rule builder: holds and draws the tree, and updates the hidden field and the live count.
import { findGaps } from "./gaps.js";
import { clearImpact, requestImpact } from "./impact.js";
import { clearProblems, focusOn, showCounts, showProblems } from "./marks.js";
import { requestCount, showIdle } from "./preview.js";
import { decode, encode, isGroup, newCondition } from "./tree.js";
import { drawTree } from "./view.js";

const data = JSON.parse(document.getElementById("builder-data").textContent);
const place = document.getElementById("builder");
const form = document.getElementById("segment-form");
const context = {
  root: decode(data.document),
  words: readWords(data),
  segments: data.segments,
  lists: data.lists,
  values: data.values,
  upload: data.upload,
  currency: data.currency,
  maxDepth: 4,
  changed,
};
let encoded = { document: data.document, places: new Map() };
let isDirty = false;

// What a rule can say: the metrics, and the events, fields, measures and windows of behaviours. Choices are {value, title}.
function readWords({ catalogue, behaviours }) {
  const index = (entries) => new Map(entries.map((entry) => [entry.key, entry]));
  const days = behaviours.weekdays.map((title, i) => ({ value: String(i + 1), title }));
  const withChoices = (field) => ({ ...field, choices: (field.choices ?? []).map((word) => ({ value: word, title: word })) });
  return {
    metrics: index(catalogue.map(withChoices)),
    events: behaviours.events,
    fields: index(behaviours.fields.map((field) => (field.key === "weekday" ? { ...field, choices: days } : withChoices(field)))),
    measures: index(behaviours.measures.map(withChoices)),
    windows: index(behaviours.windows),
    sharedFields: behaviours.shared_fields,
    maxStepDays: behaviours.max_step_days,
  };
}

function changed({ focus } = {}) {
  isDirty = true;
  if (focus) draw(focus);
  clearProblems();
  write();
  count();
}

function draw(focus) {
  place.replaceChildren(drawTree(context));
  if (focus) focusOn(...focus);
}

function write() {
  encoded = encode(context.root, context.words);
  form.elements.rule.value = JSON.stringify(encoded.document);
}

function count() {
  showCounts();
  clearImpact();
  if (findGaps(context.root, context.words).length)
    return showIdle("Finish every condition to see how many customers match.");
  const { places } = encoded;
  return requestCount(
    data.preview,
    { rule: encoded.document, segment: data.segment },
    form.elements.csrfmiddlewaretoken.value,
    (answer, problems) => {
      if (answer) showCounts(answer.nodes, places);
      if (answer && isDirty && data.impact) requestImpact(data.impact, encoded.document, form.elements.csrfmiddlewaretoken.value);
      showProblems(problems, places, context.root.id);
    },
  );
}

function start() {
  if (context.root.children.length === 0) context.root.children.push(newCondition("metric"));
  draw();
  write();
  count();
  if (data.problems.length) showProblems(data.problems, encoded.places, context.root.id);
}

// A gap as a problem with a path of the document; pathBelow ignores a missing "not".
function toProblem({ node, place: control, says }) {
  const path = encoded.places.get(node.id);
  return { path: isGroup(node) ? path : `${path}.${control}`, says };
}

form.addEventListener("submit", (event) => {
  const gaps = findGaps(context.root, context.words);
  if (gaps.length === 0) {
    isDirty = false;
    return;
  }
  event.preventDefault();
  showProblems(gaps.map(toProblem), encoded.places, context.root.id);
  focusOn(gaps[0].node.id, gaps[0].place);
});
form.addEventListener("input", () => {
  isDirty = true;
});
window.addEventListener("beforeunload", (event) => {
  if (isDirty) event.preventDefault();
});

start();

// The rule builder: holds and draws the tree, keeps its history and a draft, and updates the hidden field and the live count.
import { h, interpolateText } from "./dom.js";
import { openDraft } from "./draft.js";
import { formatTime } from "./formats.js";
import { showAnswer, showDocument, startForms } from "./forms.js";
import { findGaps } from "./gaps.js";
import { createHistory } from "./history.js";
import { clearImpact, requestImpact } from "./impact.js";
import { clearProblems, focusOn, showCounts, showProblems } from "./marks.js";
import { requestCount, showIdle } from "./preview.js";
import { decode, encode, isGroup, newCondition } from "./tree.js";
import { drawTree, moveByKey } from "./view.js";
import { readWords } from "./words.js";

const data = JSON.parse(document.getElementById("builder-data").textContent);
const place = document.getElementById("builder");
const form = document.getElementById("segment-form");
const fields = ["name", "description", "tags", "revision"];
const draft = openDraft(data.user);
const words = readWords(data);
const { segments, lists, values, distribution, categories, upload } = data;
const context = { root: decode(data.document, words), words, segments, lists, values, distribution, categories, upload, changed };
let encoded = { document: data.document, places: new Map() };
let history = null;
let isDirty = false;

// Without a focus, only the text of a control has changed.
function changed({ focus } = {}) {
  isDirty = true;
  history.record(context.root, !focus);
  update(focus);
}

function update(focus) {
  if (focus) draw(focus);
  clearProblems();
  write();
  keepDraft();
  count();
  showHistory();
}

function draw(focus) {
  place.replaceChildren(drawTree(context));
  if (focus) focusOn(...focus);
}

function write() {
  encoded = encode(context.root, words);
  form.elements.rule.value = JSON.stringify(encoded.document);
  showDocument(encoded.document);
}

function count() {
  showCounts();
  clearImpact();
  if (findGaps(context.root, words).length) {
    showAnswer(null);
    return showIdle(gettext("Finish every condition to see how many customers match."));
  }
  const { document, places } = encoded;
  return requestCount(data, { rule: document, segment: data.segment }, (answer, problems) => {
    if (answer) showCounts(answer.nodes, places);
    showAnswer(answer);
    if (answer && isDirty && data.impact) requestImpact(data, document);
    showProblems(problems, places, context.root.id);
  });
}

// Replaces the whole rule: by undo and redo, or by a document.
function replace(root) {
  if (!root) return;
  isDirty = true;
  context.root = root;
  draw();
  update();
}

function travel(step) {
  const focused = document.activeElement?.closest?.("[data-node]")?.dataset.node;
  replace(history[step]());
  if (focused) focusOn(Number(focused), "move");
}

function showHistory() {
  document.getElementById("undo").disabled = !history.canUndo();
  document.getElementById("redo").disabled = !history.canRedo();
}

function keepDraft(isSubmitted = false) {
  const content = Object.fromEntries(fields.map((name) => [name, form.elements[name].value]));
  draft.save({ ...content, rule: encoded.document, isSubmitted });
}

// A draft is older than what somebody has just tried to save, and it may be what the page shows anyway.
function restoreDraft() {
  const kept = data.isRefused ? null : draft.read();
  const isSame = kept && JSON.stringify(kept.rule) === JSON.stringify(encoded.document);
  if (!kept || (isSame && fields.every((name) => kept[name] === form.elements[name].value))) return;
  for (const name of fields) form.elements[name].value = kept[name];
  context.root = decode(kept.rule, words);
  isDirty = true;
  const discard = () => {
    draft.drop();
    location.reload();
  };
  const says = interpolateText(gettext("Your unsaved changes of %(time)s are back."), { time: formatTime(kept.savedAt) });
  const button = h("button", { type: "button", class: "button button-small", onclick: discard }, gettext("Discard them"));
  document.getElementById("draft").replaceChildren(h("div", { class: "notice", role: "status" }, h("span", {}, says), button));
}

function start() {
  encoded = encode(context.root, words);
  restoreDraft();
  if (context.root.children.length === 0) context.root.children.push(newCondition("metric"));
  history = createHistory(context.root);
  startForms(data, (document) => {
    const root = decode(document, words);
    history.record(root, false);
    replace(root);
  });
  draw();
  write();
  count();
  showHistory();
  if (data.problems.length) showProblems(data.problems, encoded.places, context.root.id);
}

// A gap as a problem with a path of the document; pathBelow ignores a missing "not".
function toProblem({ node, place: control, says }) {
  const path = encoded.places.get(node.id);
  return { path: isGroup(node) ? path : `${path}.${control}`, says };
}

form.addEventListener("submit", (event) => {
  const gaps = findGaps(context.root, words);
  if (gaps.length === 0) {
    keepDraft(true);
    return;
  }
  event.preventDefault();
  showProblems(gaps.map(toProblem), encoded.places, context.root.id);
  focusOn(gaps[0].node.id, gaps[0].place);
});
form.addEventListener("input", (event) => {
  if (fields.includes(event.target.name)) keepDraft();
});
form.addEventListener("keydown", (event) => {
  const isOtherText = event.target.matches("input, textarea") && !place.contains(event.target);
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !isOtherText) {
    event.preventDefault();
    travel(event.shiftKey ? "redo" : "undo");
  } else if (place.contains(event.target)) moveByKey(event, context);
  // Enter in a field of the rule would save the segment.
  if (event.key === "Enter" && event.target.matches("#builder input")) event.preventDefault();
});
document.getElementById("undo").addEventListener("click", () => travel("undo"));
document.getElementById("redo").addEventListener("click", () => travel("redo"));
for (const link of document.querySelectorAll("[data-discard-draft]")) link.addEventListener("click", () => draft.drop());

start();

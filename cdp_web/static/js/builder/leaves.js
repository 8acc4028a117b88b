// The conditions of a rule: new ones, and each kind read from and written to its part of the JSON document. Nothing here touches
// the page.
//
// Values are kept as people type them: with the signs of their language, and shares in percent. A step is {event, filters:
// [{field, operator, values}]}, a window {kind, values}.
import { shiftPoint, toStored, toTyped } from "./numbers.js";

const OPENING_WINDOW = { kind: "last_days", values: ["30"] };
const NUMBERS = ["integer", "money", "number", "days", "count", "percent"];
export const isTyped = (text) => (text ?? "").trim() !== "";
// A share is stored from 0 to 1.
export const isShare = (field, form) => field?.unit === "share" && form?.value_kind === "number";

export const LEAVES = {
  metric: {
    create: () => ({ field: "", operator: "", values: [] }),
    read: (raw, words) => readComparison(raw, words.metrics, words),
    write: (node, words) => writeComparison(node, words.metrics, words),
  },
  behaviour: {
    create: () => ({ mode: "did", step: newStep("purchase"), ...timesAtLeast("1"), window: newWindow() }),
    read: readBehaviour,
    write: writeBehaviour,
  },
  sequence: {
    create: () => ({
      first: newStep("cart"),
      then: newStep("purchase"),
      follows: true,
      withinDays: "7",
      same: "",
      window: newWindow(),
    }),
    read: readSequence,
    write: writeSequence,
  },
  segment: { create: () => ({ target: "" }), read: readTarget, write: writeTarget },
  list: { create: () => ({ target: "" }), read: readTarget, write: writeTarget },
  recommended: { create: () => ({ what: "product", values: [], places: "10" }), read: readRecommended, write: writeRecommended },
};

const newStep = (event) => ({ event, filters: [] });
const newWindow = () => structuredClone(OPENING_WINDOW);
export const timesAtLeast = (count) => ({ measure: "events", operator: "ge", values: [count] });

// A new filter has the first field and its first operator, such as "product is".
export function newFilter(words, key = "category_1") {
  const field = words.fields.get(key) ?? [...words.fields.values()][0];
  return { field: field.key, operator: field.operators[0].key, values: [] };
}

export const findOperator = (table, key, operator) => table.get(key)?.operators.find((entry) => entry.key === operator);

const readValues = (value) => (value === undefined || value === null ? [] : [value].flat().map(String));

function readTyped(value, field, form, words) {
  const show = (text) => {
    if (!NUMBERS.includes(form?.value_kind)) return text;
    return toTyped(isShare(field, form) ? shiftPoint(text, 2) : text, words.signs);
  };
  return readValues(value).map(show);
}

function readComparison(raw, table, words) {
  const field = String(raw.field);
  const operator = String(raw.operator);
  return { field, operator, values: readTyped(raw.value, table.get(field), findOperator(table, field, operator), words) };
}

function readStep(raw, words) {
  return { event: String(raw?.event), filters: [raw?.where ?? []].flat().map((filter) => readComparison(filter, words.fields, words)) };
}

function readWindow(raw) {
  if (!raw) return { kind: "ever", values: [] };
  if (typeof raw === "string") return { kind: raw, values: [] };
  const [kind, value] = Object.entries(raw)[0] ?? ["ever"];
  return { kind, values: readValues(value) };
}

function readBehaviour(raw, words) {
  const base = { step: readStep(raw, words), window: readWindow(raw.window) };
  const measure = String(raw.measure ?? "events");
  const operator = String(raw.operator);
  const says = [measure, operator, ...readValues(raw.value)].join(" ");
  if (raw.did === true || says === "events ge 1") return { ...base, ...timesAtLeast("1"), mode: "did" };
  if (raw.did === false || says === "events eq 0") return { ...base, ...timesAtLeast("1"), mode: "did_not" };
  const values = readTyped(raw.value, words.measures.get(measure), findOperator(words.measures, measure, operator), words);
  return { ...base, measure, operator, values, mode: "measure" };
}

function readSequence(raw, words) {
  const follows = raw.follows !== false;
  const steps = { first: readStep(raw.first, words), then: readStep(raw.then, words) };
  const withinDays = readValues(raw.within_days)[0] ?? "";
  return { ...steps, follows, withinDays, same: raw.same ? String(raw.same) : "", window: readWindow(raw.window) };
}

function readTarget(raw) {
  return { target: raw.id ? String(raw.id) : "" };
}

function readRecommended(raw) {
  return { what: String(raw.what), values: readValues(raw.values), places: readValues(raw.places)[0] ?? "10" };
}

// Amounts are sent as text because a JSON number would lose cents. Text that is no number is sent as typed; the server reports what
// is wrong.
function writeScalar(text, field, form, words) {
  const kind = form?.value_kind;
  if (!NUMBERS.includes(kind)) return text.trim();
  const stored = toStored(text, words.signs);
  if (isShare(field, form)) return shiftPoint(stored, -2);
  const isWhole = ["integer", "days", "count"].includes(kind);
  return isWhole && /^-?\d{1,15}$/.test(stored) ? Number(stored) : stored;
}

function writeTyped(values, field, form, words) {
  return values.filter(isTyped).map((text) => writeScalar(text, field, form, words));
}

function writeValue(values, field, form, words) {
  const typed = writeTyped(values, field, form, words);
  if (!form || form.values === "none" || typed.length === 0) return {};
  return { value: form.values === "one" ? typed[0] : typed };
}

function writeComparison({ field, operator, values }, table, words) {
  return { field, operator, ...writeValue(values, table.get(field), findOperator(table, field, operator), words) };
}

function writeStep({ event, filters }, words) {
  return { event, ...(filters.length ? { where: filters.map((filter) => writeComparison(filter, words.fields, words)) } : {}) };
}

function writeWindow({ kind, values }, words) {
  if (kind === "ever") return {};
  const form = words.windows.get(kind);
  const typed = writeTyped(values, null, form, words);
  if (typed.length === 0 || form?.values === "none") return { window: kind };
  return { window: { [kind]: form?.values === "one" ? typed[0] : typed } };
}

function writeMeasured({ mode, measure, operator, values }, words) {
  if (mode === "did") return { measure: "events", operator: "ge", value: 1 };
  if (mode === "did_not") return { measure: "events", operator: "eq", value: 0 };
  const form = findOperator(words.measures, measure, operator);
  return { measure, operator, ...writeValue(values, words.measures.get(measure), form, words) };
}

function writeBehaviour(node, words) {
  return { ...writeStep(node.step, words), ...writeMeasured(node, words), ...writeWindow(node.window, words) };
}

function writeSequence({ first, then, follows, withinDays, same, window }, words) {
  return {
    first: writeStep(first, words),
    then: writeStep(then, words),
    follows,
    within_days: writeScalar(withinDays, null, { value_kind: "days" }, words),
    ...(same ? { same } : {}),
    ...writeWindow(window, words),
  };
}

function writeTarget({ target }) {
  return { id: /^\d{1,15}$/.test(target) ? Number(target) : target };
}

function writeRecommended({ what, values, places }, words) {
  return { what, values: values.filter(isTyped), places: writeScalar(places, null, { value_kind: "count" }, words) };
}

// The conditions of a rule: new ones, and each kind read from and written to its part of the JSON document. Nothing here touches
// the page.
//
// Values are kept as they were typed. A step is {event, filters: [{field, operator, values}]}, a window {kind, values}.

const OPENING_WINDOW = { kind: "last_days", values: ["30"] };
export const isTyped = (text) => (text ?? "").trim() !== "";

export const LEAVES = {
  metric: {
    create: () => ({ field: "", operator: "", values: [] }),
    read: readComparison,
    write: (node, words) => writeComparison(node, words.metrics),
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

function readComparison(raw) {
  return { field: String(raw.field), operator: String(raw.operator), values: readValues(raw.value) };
}

function readStep(raw) {
  return { event: String(raw?.event), filters: [raw?.where ?? []].flat().map(readComparison) };
}

function readWindow(raw) {
  if (!raw) return { kind: "ever", values: [] };
  if (typeof raw === "string") return { kind: raw, values: [] };
  const [kind, value] = Object.entries(raw)[0] ?? ["ever"];
  return { kind, values: readValues(value) };
}

function readBehaviour(raw) {
  const base = { step: readStep(raw), window: readWindow(raw.window) };
  const measured = { measure: String(raw.measure ?? "events"), operator: String(raw.operator), values: readValues(raw.value) };
  const says = [measured.measure, measured.operator, ...measured.values].join(" ");
  if (raw.did === true || says === "events ge 1") return { ...base, ...timesAtLeast("1"), mode: "did" };
  if (raw.did === false || says === "events eq 0") return { ...base, ...timesAtLeast("1"), mode: "did_not" };
  return { ...base, ...measured, mode: "measure" };
}

function readSequence(raw) {
  const follows = raw.follows !== false;
  const steps = { first: readStep(raw.first), then: readStep(raw.then) };
  const withinDays = readValues(raw.within_days)[0] ?? "";
  return { ...steps, follows, withinDays, same: raw.same ? String(raw.same) : "", window: readWindow(raw.window) };
}

function readTarget(raw) {
  return { target: raw.id ? String(raw.id) : "" };
}

// Amounts are sent as text because a JSON number would lose cents. Other text is sent as typed; the server reports what is wrong.
function writeScalar(text, kind) {
  const isWhole = ["integer", "days", "count"].includes(kind);
  return isWhole && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

const writeTyped = (values, kind) => values.filter(isTyped).map((text) => writeScalar(text.trim(), kind));

function writeValue(values, form) {
  const typed = writeTyped(values, form?.value_kind);
  if (!form || form.values === "none" || typed.length === 0) return {};
  return { value: form.values === "one" ? typed[0] : typed };
}

function writeComparison({ field, operator, values }, table) {
  return { field, operator, ...writeValue(values, findOperator(table, field, operator)) };
}

function writeStep({ event, filters }, words) {
  return { event, ...(filters.length ? { where: filters.map((filter) => writeComparison(filter, words.fields)) } : {}) };
}

function writeWindow({ kind, values }, words) {
  if (kind === "ever") return {};
  const form = words.windows.get(kind);
  const typed = writeTyped(values, form?.value_kind);
  if (typed.length === 0 || form?.values === "none") return { window: kind };
  return { window: { [kind]: form?.values === "one" ? typed[0] : typed } };
}

function writeMeasured({ mode, measure, operator, values }, words) {
  if (mode === "did") return { measure: "events", operator: "ge", value: 1 };
  if (mode === "did_not") return { measure: "events", operator: "eq", value: 0 };
  return { measure, operator, ...writeValue(values, findOperator(words.measures, measure, operator)) };
}

function writeBehaviour(node, words) {
  return { ...writeStep(node.step, words), ...writeMeasured(node, words), ...writeWindow(node.window, words) };
}

function writeSequence({ first, then, follows, withinDays, same, window }, words) {
  return {
    first: writeStep(first, words),
    then: writeStep(then, words),
    follows,
    within_days: writeScalar(withinDays.trim(), "days"),
    ...(same ? { same } : {}),
    ...writeWindow(window, words),
  };
}

function writeTarget({ target }) {
  return { id: writeScalar(target, "integer") };
}

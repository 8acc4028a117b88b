// The filters of a step: which of the events count.
import { read } from "../api.js";
import { h, icon, iconButton } from "../dom.js";
import { formatCount } from "../formats.js";
import { newFilter } from "../leaves.js";
import { picker } from "../picker.js";
import { comparisonInputs, select, sourcesOf, word } from "./controls.js";

const LEVELS = ["category_1", "category_2", "category_3"];
const CATEGORIES = {
  label: gettext("Category"),
  choose: gettext("Browse categories"),
  search: gettext("Search categories"),
  list: gettext("Categories"),
  none: gettext("No matching category."),
};

export function filterRows(node, step, place, context) {
  const rows = step.filters.map((filter, i) => filterRow(node, step, filter, `${place}.where[${i}]`, i, context));
  return [
    rows.length > 0 && h("ul", { class: "filters", "aria-label": gettext("Filters") }, rows),
    h("div", { class: "filter-buttons" }, addButton(node, step, place, context), categoryPicker(node, step, place, context)),
  ];
}

function filterRow(node, step, filter, place, i, context) {
  const { fields } = context.words;
  const field = fields.get(filter.field);
  const choose = (key) => {
    const isSameKind = fields.get(key).kind === field?.kind;
    step.filters[i] = isSameKind ? { ...filter, field: key, values: [] } : newFilter(context.words, key);
    context.changed({ focus: [node.id, `${place}.field`] });
  };
  const options = [...fields.values()];
  const remove = () => {
    step.filters.splice(i, 1);
    context.changed({ focus: [node.id, place.slice(0, place.lastIndexOf("["))] });
  };
  return h(
    "li",
    { class: "filter" },
    word(i ? gettext("and") : gettext("where")),
    select({
      label: gettext("Field"),
      place: `${place}.field`,
      options,
      selected: filter.field,
      className: "filter-field",
      onchange: choose,
    }),
    field && comparisonInputs(filter, field, { place, node, context, sources: sourcesOf(field, context) }),
    iconButton(icon("x"), gettext("Remove this filter"), remove),
  );
}

function addButton(node, step, place, context) {
  const onclick = () => {
    step.filters.push(newFilter(context.words));
    context.changed({ focus: [node.id, `${place}.where[${step.filters.length - 1}].field`] });
  };
  return h(
    "button",
    { type: "button", class: "button button-small button-quiet add-filter", "data-focus": `${place}.where`, onclick },
    icon("plus"),
    gettext("Add filter"),
  );
}

// A category of the tree sets the filters of its level and of those above.
function categoryPicker(node, step, place, context) {
  const load = async () => {
    const categories = (await read(context.categories))?.categories ?? [];
    const names = new Map(categories.map(({ path, name }) => [path.join("."), name]));
    const nameLevel = (path, depth) => names.get(path.slice(0, depth + 1).join(".")) || path[depth];
    return categories.map(({ path, customers }) => ({
      key: JSON.stringify(path),
      title: nameLevel(path, path.length - 1),
      about: path.length > 1 ? path.map((_, depth) => nameLevel(path, depth)).join(" › ") : "",
      note: formatCount(customers),
      depth: path.length - 1,
    }));
  };
  const onchoose = (key) => {
    const others = step.filters.filter((filter) => !LEVELS.includes(filter.field));
    const levels = JSON.parse(key).map((value, i) => ({ field: LEVELS[i], operator: "eq", values: [value] }));
    step.filters = [...levels, ...others];
    context.changed({ focus: [node.id, `${place}.where`] });
  };
  return picker({ items: load, selected: "", texts: CATEGORIES, focus: `${place}.categories`, onchoose });
}

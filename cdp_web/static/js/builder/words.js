// What a rule can say, as the server lists it, and the signs of numbers in the language. Choices are {value, title}.
export function readWords({ catalogue, behaviours, recommended, separators, currency }) {
  const index = (entries) => new Map(entries.map((entry) => [entry.key, entry]));
  const days = behaviours.weekdays.map((title, i) => ({ value: String(i + 1), title }));
  const withChoices = (field) => ({
    ...field,
    choices: (field.choices ?? []).map((word, i) => ({ value: word, title: field.choice_titles[i] })),
  });
  return {
    metrics: index(catalogue.map(withChoices)),
    events: behaviours.events,
    fields: index(behaviours.fields.map((field) => (field.key === "weekday" ? { ...field, choices: days } : withChoices(field)))),
    measures: index(behaviours.measures.map(withChoices)),
    windows: index(behaviours.windows),
    recommended,
    sharedFields: behaviours.shared_fields,
    maxStepDays: behaviours.max_step_days,
    signs: { decimal: separators[0], group: separators.slice(1), currency },
  };
}

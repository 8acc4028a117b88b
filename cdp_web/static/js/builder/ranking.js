// Which items of a picker a search finds, best first. Nothing here touches the page.
//
// A title that is the search, or begins with it, comes before one that has it further on; a mere mention in the description
// comes last.
export function rank(items, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return items;
  const scored = items.map((item, position) => ({ item, position, score: scoreOf(item, words) })).filter(({ score }) => score > 0);
  return scored.sort((one, other) => other.score - one.score || one.position - other.position).map(({ item }) => item);
}

function scoreOf(item, words) {
  const title = item.title.toLowerCase();
  const rest = `${item.about ?? ""} ${item.group ?? ""} ${item.key}`.toLowerCase();
  if (!words.every((word) => title.includes(word) || rest.includes(word))) return 0;
  const phrase = words.join(" ");
  if (title === phrase) return 100;
  if (title.startsWith(phrase)) return 90 - Math.min(30, title.length - phrase.length) / 10;
  const parts = title.split(/[\s,()]+/);
  if (words.every((word) => parts.some((part) => part.startsWith(word)))) return title.startsWith(words[0]) ? 70 : 60;
  if (words.every((word) => title.includes(word))) return 40;
  return words.some((word) => title.includes(word)) ? 20 : 10;
}

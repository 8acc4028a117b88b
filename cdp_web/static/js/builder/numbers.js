// Numbers as people type them ("1,000", "$50", "50 %") and as a rule stores them ("1000"). Nothing here touches the page.
//
// `signs` is {decimal, group, currency} of the language.
const isNumber = (text) => /^-?\d+(\.\d+)?$/.test(text);

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// Text that is no number stays as it is; the server says what is wrong.
export function toStored(text, { decimal, group, currency }) {
  const bare = text.replaceAll(currency, "").replace(/[\s\u00a0\u202f%]/g, "");
  const grouped = new RegExp(`^-?\\d{1,3}(${escape(group)}\\d{3})+(${escape(decimal)}\\d+)?$`);
  const plain = (grouped.test(bare) ? bare.replaceAll(group, "") : bare).replace(decimal, ".");
  return isNumber(plain) ? plain : text.trim();
}

export function toTyped(text, { decimal }) {
  return isNumber(text) ? text.replace(".", decimal) : text;
}

// The number with its point moved: shiftPoint("12.5", -2) is "0.125", shiftPoint("0.5", 2) is "50". Digits only, so nothing is rounded.
export function shiftPoint(text, places) {
  if (!isNumber(text)) return text;
  const sign = text.startsWith("-") ? "-" : "";
  const [whole, decimals = ""] = text.replace("-", "").split(".");
  const digits = whole + decimals;
  const at = whole.length + places;
  const padded = at <= 0 ? "0".repeat(1 - at) + digits : digits.padEnd(at, "0");
  const point = at <= 0 ? 1 : at;
  const result = `${padded.slice(0, point)}.${padded.slice(point)}`.replace(/\.?0*$/, (end) => (end.includes(".") ? "" : end));
  return sign + result.replace(/^0+(?=\d)/, "");
}

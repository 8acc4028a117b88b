// Asks the server who a rule takes and shows it. Only the answer to the latest question is ever shown.
import { h } from "./dom.js";

const PAUSE = 350;
const panel = document.getElementById("preview");
const part = (name) => panel.querySelector(`[data-part="${name}"]`);
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const number = new Intl.NumberFormat("en");
let timer = 0;
let question = null;

export function ask(url, body, token, onanswer) {
  clearTimeout(timer);
  question?.abort();
  panel.dataset.state = "waiting";
  part("state").textContent = "Counting…";
  timer = setTimeout(() => send(url, body, token, onanswer), PAUSE);
}

function bar(count, share) {
  document.querySelector("[data-count-bar=count]").textContent = count;
  document.querySelector("[data-count-bar=share]").textContent = share;
}

export function rest(says) {
  bar("–", "");
  clearTimeout(timer);
  question?.abort();
  panel.dataset.state = "idle";
  part("state").textContent = says;
}

async function send(url, body, token, onanswer) {
  question = new AbortController();
  try {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      signal: question.signal,
      credentials: "same-origin",
    });
    const answer = await response.json();
    if (response.ok) show(answer);
    else if (answer.problems) rest("The rule is not complete yet. What is missing stands at the condition.");
    else rest(answer.detail ?? "The count is not available now.");
    onanswer(response.ok ? answer : null, answer.problems ?? []);
  } catch (error) {
    if (error.name !== "AbortError")
      rest("The site does not answer; the count is not available now. The rule can still be saved.");
  }
}

function show(answer) {
  panel.dataset.state = "counted";
  part("count").textContent = number.format(answer.count);
  bar(`${number.format(answer.count)} customers`, percent(answer.share));
  part("share").textContent = `${percent(answer.share)} of ${number.format(answer.total)} customers`;
  part("bar").setAttribute("width", `${(answer.share * 100).toFixed(2)}%`);
  part("state").textContent =
    `Exact, as of ${day(answer.publication.day)}, publication #${answer.publication.id}. Took ${answer.seconds.toFixed(2)} s.`;
  part("sentence").textContent = answer.sentence;
  part("same").replaceChildren(...sameAs(answer.same_as));
  part("sample").replaceChildren(...answer.sample.map(sampleRow));
  part("sample-box").hidden = answer.sample.length === 0;
}

function day(iso) {
  const [year, month, date] = iso.split("-");
  return `${Number(date)} ${MONTHS[Number(month) - 1]} ${year}`;
}

function percent(share) {
  if (share > 0 && share < 0.001) return "<0.1%";
  return `${(share * 100).toFixed(1)}%`;
}

function sameAs(segments) {
  if (!segments.length) return [];
  const links = segments.flatMap((segment, i) => [i ? ", " : "", h("a", { href: segment.url }, segment.name)]);
  return [h("p", { class: "notice" }, h("span", {}, "The same rule stands in ", links, "."))];
}

function sampleRow(row) {
  const facts = [row.lifecycle, `${number.format(row.total_purchase ?? 0)} orders`, row.last_seen && `seen ${day(row.last_seen)}`]
    .filter(Boolean)
    .join(" · ");
  return h(
    "li",
    {},
    h("a", { class: "mono", href: row.url, target: "_blank", rel: "noopener" }, row.customer_id),
    h("span", { class: "muted small" }, facts),
  );
}

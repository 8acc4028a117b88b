// Asks the server which customers a rule matches and shows the count. Only the answer to the latest request is shown.
import { h } from "./dom.js";

const PAUSE = 350;
const panel = document.getElementById("preview");
const part = (name) => panel.querySelector(`[data-part="${name}"]`);
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const number = new Intl.NumberFormat("en");
let timer = 0;
let request = null;

export function requestCount(url, body, token, onanswer) {
  clearTimeout(timer);
  request?.abort();
  panel.dataset.state = "waiting";
  part("state").textContent = "Counting…";
  timer = setTimeout(() => send(url, body, token, onanswer), PAUSE);
}

function bar(count, share) {
  document.querySelector("[data-count-bar=count]").textContent = count;
  document.querySelector("[data-count-bar=share]").textContent = share;
}

export function showIdle(message) {
  bar("–", "");
  part("refusal").replaceChildren();
  clearTimeout(timer);
  request?.abort();
  panel.dataset.state = "idle";
  part("state").textContent = message;
}

async function send(url, body, token, onanswer) {
  request = new AbortController();
  try {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      signal: request.signal,
      credentials: "same-origin",
    });
    const answer = await response.json();
    if (response.ok) show(answer);
    else if (answer.code === "too_expensive") refuse(answer);
    else if (answer.problems) showIdle("The rule is not complete yet. See the message at the condition.");
    else showIdle(answer.detail ?? "The count is not available now.");
    onanswer(response.ok ? answer : null, listProblems(answer));
  } catch (error) {
    if (error.name !== "AbortError")
      showIdle("The site does not answer, so the count is not available now. You can still save the rule.");
  }
}

function listProblems({ code, problems, path, detail, remedy }) {
  if (code === "too_expensive" && path) return [{ path, says: join(detail, remedy) }];
  return problems ?? [];
}

const join = (...texts) => texts.filter(Boolean).join(" ");

function refuse({ detail, remedy }) {
  showIdle("Not counted: the rule takes too long.");
  part("refusal").replaceChildren(
    h(
      "div",
      { class: "notice notice-warn" },
      h("span", {}, h("strong", {}, detail ?? "The rule takes too long."), remedy && ` ${remedy}`),
    ),
  );
}

function show(answer) {
  panel.dataset.state = "counted";
  part("refusal").replaceChildren();
  part("count").textContent = number.format(answer.count);
  bar(`${number.format(answer.count)} customers`, percent(answer.share));
  part("share").textContent = `${percent(answer.share)} of ${number.format(answer.total)} customers`;
  part("bar").setAttribute("width", `${(answer.share * 100).toFixed(2)}%`);
  part("state").textContent =
    `Exact, as of ${day(answer.publication.day)}, publication #${answer.publication.id}. Took ${answer.seconds.toFixed(2)} s.`;
  part("more").hidden = false;
  part("sentence").textContent = answer.sentence;
  part("same").replaceChildren(...sameAs(answer.same_as));
  part("sample").replaceChildren(...answer.sample.map(sampleRow));
  part("sample-box").hidden = answer.sample.length === 0;
  const nearMisses = answer.near_misses ?? [];
  part("misses").replaceChildren(...nearMisses.map(nearMissRow));
  part("misses-box").hidden = nearMisses.length === 0;
  part("sql").textContent = answer.sql ?? "";
  part("sql-box").hidden = !answer.sql;
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
  return [h("p", { class: "notice" }, h("span", {}, "The same rule is used by ", links, "."))];
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

function nearMissRow({ customer_id, url, says }) {
  return h(
    "li",
    {},
    h("a", { class: "mono", href: url, target: "_blank", rel: "noopener" }, customer_id),
    h("span", { class: "muted small" }, says),
  );
}

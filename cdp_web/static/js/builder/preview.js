// Asks the server which customers a rule matches and shows the count. Only the answer to the latest request is shown.
import { post } from "./api.js";
import { h, interpolateText } from "./dom.js";
import { formatCount, formatDay, formatShare } from "./formats.js";

const PAUSE = 350;
const panel = document.getElementById("preview");
const part = (name) => panel.querySelector(`[data-part="${name}"]`);
let timer = 0;
let request = null;

export function requestCount(data, body, onanswer) {
  clearTimeout(timer);
  request?.abort();
  panel.dataset.state = "waiting";
  part("state").textContent = gettext("Counting…");
  timer = setTimeout(() => send(data, body, onanswer), PAUSE);
}

function bar(count, share) {
  document.querySelector("[data-count-bar=count]").textContent = count;
  document.querySelector("[data-count-bar=share]").textContent = share;
}

export function showIdle(...message) {
  bar("–", "");
  part("refusal").replaceChildren();
  part("warning").replaceChildren();
  clearTimeout(timer);
  request?.abort();
  panel.dataset.state = "idle";
  part("state").replaceChildren(...message);
}

async function send(data, body, onanswer) {
  request = new AbortController();
  try {
    const { isOk, status, answer } = await post(data.preview, body, request.signal);
    if (isOk) show(answer, data);
    else if (status === 401) showLoggedOut(data.login);
    else if (answer.code === "too_expensive") refuse(answer);
    else if (answer.problems) showIdle(gettext("The rule is not complete yet. See the message at the condition."));
    else showIdle(answer.detail ?? gettext("The count is not available now."));
    onanswer(isOk ? answer : null, listProblems(answer));
  } catch (error) {
    if (error.name !== "AbortError")
      showIdle(gettext("The site does not answer, so the count is not available now. You can still save the rule."));
  }
}

function showLoggedOut(login) {
  const next = encodeURIComponent(location.pathname + location.search);
  showIdle(
    `${gettext("Your session has ended. Your rule is kept in this browser.")} `,
    h("a", { href: `${login}?next=${next}` }, gettext("Log in again")),
  );
}

function listProblems({ code, problems, path, detail, remedy }) {
  if (code === "too_expensive" && path) return [{ path, says: join(detail, remedy) }];
  return problems ?? [];
}

const join = (...texts) => texts.filter(Boolean).join(" ");

function notice(...content) {
  return h("div", { class: "notice notice-warn" }, h("span", {}, ...content));
}

function refuse({ detail, remedy }) {
  showIdle(gettext("Not counted: the rule takes too long."));
  const says = detail ?? gettext("The rule takes too long.");
  part("refusal").replaceChildren(notice(h("strong", {}, says), remedy && ` ${remedy}`));
}

function show(answer, data) {
  panel.dataset.state = "counted";
  part("refusal").replaceChildren();
  part("count").textContent = formatCount(answer.count);
  const customers = ngettext("%(count)s customer", "%(count)s customers", answer.count);
  bar(interpolateText(customers, { count: formatCount(answer.count) }), formatShare(answer.share));
  part("share").textContent = interpolateText(gettext("%(share)s of %(total)s customers"), {
    share: formatShare(answer.share),
    total: formatCount(answer.total),
  });
  part("bar").setAttribute("width", `${(answer.share * 100).toFixed(2)}%`);
  part("state").textContent = interpolateText(gettext("Exact, as of %(day)s."), { day: formatDay(answer.publication.day) });
  part("state").title = interpolateText(gettext("Publication #%(id)s. Took %(seconds)s s."), {
    id: answer.publication.id,
    seconds: answer.seconds.toFixed(2),
  });
  part("more").hidden = false;
  part("warning").replaceChildren(...listWarnings(answer));
  part("sample").replaceChildren(...answer.sample.map((row) => sampleRow(row, data)));
  part("sample-box").hidden = answer.sample.length === 0;
  const nearMisses = answer.near_misses ?? [];
  part("misses").replaceChildren(...nearMisses.map(nearMissRow));
  part("misses-box").hidden = nearMisses.length === 0;
}

function listWarnings({ count, total, same_as: segments, notice: says }) {
  const warnings = says ? [notice(says)] : [];
  if (count === 0 && !says) warnings.push(notice(gettext("Nobody matches this rule. The counts at the conditions show where it becomes empty.")));
  if (total > 0 && count === total) warnings.push(notice(gettext("Everybody matches this rule, so it selects nothing.")));
  if (segments.length) {
    const links = segments.flatMap((segment, i) => [i ? ", " : "", h("a", { href: segment.url }, segment.name)]);
    warnings.push(notice(`${gettext("The same rule is used by")} `, ...links, "."));
  }
  return warnings;
}

function sampleRow(row, data) {
  const lifecycle = data.catalogue.find(({ key }) => key === "lifecycle");
  const orders = row.total_purchase ?? 0;
  const facts = [
    lifecycle.choice_titles[lifecycle.choices.indexOf(row.lifecycle)],
    interpolateText(ngettext("%(count)s order", "%(count)s orders", orders), { count: formatCount(orders) }),
    row.last_seen && interpolateText(gettext("seen %(day)s"), { day: formatDay(row.last_seen) }),
  ];
  return customerRow(row, facts.filter(Boolean).join(" · "));
}

const nearMissRow = (row) => customerRow(row, row.says);

function customerRow({ customer_id: id, name, url }, text) {
  return h(
    "li",
    {},
    h("a", { class: name ? "" : "mono", href: url, target: "_blank", rel: "noopener", title: id }, name || id),
    h("span", { class: "muted small" }, text),
  );
}

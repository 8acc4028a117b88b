// Renews the live page: asks for its content every two seconds while the page is visible, and changes only what differs. So nothing
// flickers, and focus, selection and scroll position stay. After an error it waits longer each time and says so.
const place = document.getElementById("live");
const trouble = document.getElementById("live-trouble");
const PAUSE = 2000;
const LONGEST_PAUSE = 30000;
let version = place.dataset.version;
let ahead = Date.parse(place.dataset.now) - Date.now();
let pause = PAUSE;
let timer;

async function renew() {
  clearTimeout(timer);
  try {
    const answer = await fetch(place.dataset.address, {
      headers: { "If-None-Match": version },
      signal: AbortSignal.timeout(10000),
    });
    if (answer.redirected) return location.reload(); // to the login
    if (answer.status === 200) {
      show(await answer.text());
      version = answer.headers.get("ETag");
    } else if (answer.status !== 304) {
      throw new Error(`status ${answer.status}`);
    }
    pause = PAUSE;
    trouble.hidden = true;
  } catch {
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    trouble.lastElementChild.textContent = interpolate(
      gettext("The site does not answer. These numbers are not renewed; next attempt in %s seconds."),
      [pause / 1000],
    );
    trouble.hidden = false;
  }
  if (!document.hidden) timer = setTimeout(renew, pause);
}

function show(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("live");
  ahead = Date.parse(fresh.dataset.now) - Date.now();
  change(place, fresh);
  tell();
}

// Make an element equal to another one. Children with the same data-key are the same; the others are compared by their place.
function change(old, fresh) {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const keyed = new Map([...old.children].filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));
  let next = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const same = child.dataset?.key ? keyed.get(child.dataset.key) : next;
    if (!isAlike(same, child)) {
      old.insertBefore(document.importNode(child, true), next);
      continue;
    }
    if (same === next) next = next.nextSibling;
    else old.insertBefore(same, next);
    if (same.nodeType === Node.ELEMENT_NODE) change(same, child);
    else if (same.data !== child.data) same.data = child.data;
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

function isAlike(old, fresh) {
  return old?.nodeName === fresh.nodeName && old.dataset?.key === fresh.dataset?.key;
}

// How long ago things happened, by the server's clock.
function tell() {
  for (const each of place.querySelectorAll("time[data-ago]")) {
    const seconds = Math.max(Math.round((Date.now() + ahead - Date.parse(each.dateTime)) / 1000), 0);
    const minutes = Math.floor(seconds / 60);
    if (minutes >= 60) continue; // the server's words are exact enough
    const text = minutes ? gettext("%s min ago") : gettext("%s s ago");
    each.textContent = interpolate(text, [minutes || seconds]);
  }
}

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : renew()));
setInterval(tell, 1000);
tell();
timer = setTimeout(renew, PAUSE);

// Requests to the API of the site.
const answers = new Map();

export async function post(address, body, signal) {
  const token = document.querySelector("#segment-form [name=csrfmiddlewaretoken]").value;
  const response = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
    signal,
    credentials: "same-origin",
  });
  return { isOk: response.ok, status: response.status, answer: await response.json() };
}

// The answer to a GET, asked for once; null if there is none: what it fills only helps.
export function read(address) {
  if (!answers.has(address)) answers.set(address, load(address));
  return answers.get(address);
}

async function load(address) {
  try {
    const response = await fetch(address, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (response.ok) return await response.json();
  } catch {
    // As without an answer.
  }
  answers.delete(address);
  return null;
}

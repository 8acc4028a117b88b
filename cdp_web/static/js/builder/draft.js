// What somebody has built and not yet saved, kept in the browser. A draft is {rule, name, description, tags, revision, savedAt,
// isSubmitted}. The page of a segment, which follows a save, drops submitted drafts (js/segment_page.js).
const PREFIX = "cdp-draft:";
const MAX_AGE = 7 * 24 * 3600 * 1000;

export function openDraft(user) {
  const key = `${PREFIX}${user}:${location.pathname}${location.search}`;

  function read() {
    try {
      const draft = JSON.parse(localStorage.getItem(key));
      return draft && Date.now() - draft.savedAt < MAX_AGE ? draft : null;
    } catch {
      return null;
    }
  }

  // A full or locked store only means that there is no draft.
  function save(content) {
    try {
      localStorage.setItem(key, JSON.stringify({ ...content, savedAt: Date.now() }));
    } catch {
      drop();
    }
  }

  const drop = () => localStorage.removeItem(key);
  return { read, save, drop };
}

// The page of a segment follows a save: drafts of the builder that were submitted are saved now.
for (const key of Object.keys(localStorage)) {
  if (!key.startsWith("cdp-draft:")) continue;
  try {
    if (JSON.parse(localStorage.getItem(key)).isSubmitted) localStorage.removeItem(key);
  } catch {
    localStorage.removeItem(key);
  }
}

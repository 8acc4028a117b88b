// The states of the rule, for undo and redo. Typing into one control is one step, as long as it goes on without a pause.
const PAUSE = 1500;
const LIMIT = 200;

export function createHistory(first) {
  let states = [structuredClone(first)];
  let at = 0;
  let lastTyping = -Infinity;

  function record(root, isTyping, now = performance.now()) {
    const continues = isTyping && now - lastTyping < PAUSE && at === states.length - 1 && at > 0;
    lastTyping = isTyping ? now : -Infinity;
    if (!continues) at += 1;
    states = [...states.slice(0, at), structuredClone(root)].slice(-LIMIT);
    at = states.length - 1;
  }

  function go(step) {
    const next = at + step;
    if (next < 0 || next >= states.length) return null;
    at = next;
    lastTyping = -Infinity;
    return structuredClone(states[at]);
  }

  return {
    record,
    undo: () => go(-1),
    redo: () => go(1),
    canUndo: () => at > 0,
    canRedo: () => at < states.length - 1,
  };
}

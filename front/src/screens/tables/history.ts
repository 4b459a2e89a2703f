/** What one may go back and forth in. */
export interface History<T> {
  past: T[];
  now: T;
  future: T[];
}

const DEPTH = 200;

export const begin = <T>(now: T): History<T> => ({ past: [], now, future: [] });

export const step = <T>({ past, now }: History<T>, next: T): History<T> => ({
  past: [...past, now].slice(-DEPTH),
  now: next,
  future: [],
});

export function back<T>(history: History<T>): History<T> {
  const before = history.past.at(-1);
  if (before === undefined) return history;
  return { past: history.past.slice(0, -1), now: before, future: [history.now, ...history.future] };
}

export function forth<T>(history: History<T>): History<T> {
  const [after, ...future] = history.future;
  if (after === undefined) return history;
  return { past: [...history.past, history.now], now: after, future };
}

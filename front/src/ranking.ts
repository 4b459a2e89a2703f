import type { Command } from "./commands";

const FAR = 3; // letters from one to the next, in a title that is found by some of them

const isStart = (title: string, at: number): boolean =>
  at === 0 || !/[\p{L}\p{N}]/u.test(title[at - 1] ?? "") || (/\p{Ll}/u.test(title[at - 1] ?? "") && /\p{Lu}/u.test(title[at] ?? ""));

/** Score where a whole word stands: at the head, at a word's head, inside; null where it does not. */
function whole(title: string, query: string): number | null {
  const lower = title.toLowerCase();
  let inside: number | null = null;
  for (let at = lower.indexOf(query); at >= 0; at = lower.indexOf(query, at + 1)) {
    if (at === 0) return 0;
    if (isStart(title, at)) return 1 + at / 1000;
    inside ??= 2 + at / 1000;
  }
  return inside;
}

/** Score letters that stand in a title in their order: the first begins a word, the next does so too or is near. */
function scattered(title: string, query: string, from: number, before: number | null): number | null {
  if (!query) return 0;
  const lower = title.toLowerCase();
  let best: number | null = null;
  for (let at = lower.indexOf(query[0] ?? "", from); at >= 0; at = lower.indexOf(query[0] ?? "", at + 1)) {
    const gap = before === null ? 0 : at - before - 1;
    if (!isStart(title, at) && (before === null || gap >= FAR)) continue;
    const rest = scattered(title, query.slice(1), at + 1, at);
    if (rest !== null && (best === null || rest + gap < best)) best = rest + gap;
  }
  return best;
}

/** Where lookups of people and conversations stand among what is found by its name. */
export const LOOKUPS = 10;
const ABBREVIATED = 5; // a screen or an action
const LONGEST = 8; // letters of an abbreviation

/** Score how well a command answers what was typed (in small letters), the best first; null where not at all. */
export function match({ title, group, words = "", isTable = false }: Command, query: string): number | null {
  const named = whole(title, query) ?? whole(words, query) ?? whole(`${group} ${title}`, query);
  if (named !== null) return named;
  if (query.length > LONGEST) return null;
  const letters = scattered(title, query, 0, null);
  if (letters === null) return null;
  // Few titles are a screen's, so that its letters mean it; names of tables hold almost any.
  return (isTable || !title.toLowerCase().startsWith(query[0] ?? "") ? LOOKUPS + 1 : ABBREVIATED) + letters / 100;
}

/** Which lines of two definitions are the same, by their longest common course. */

export interface DiffLine {
  sign: " " | "+" | "-";
  text: string;
}
export type DiffRow = DiffLine | { same: number };

const MOST = 4_000_000; // steps; beyond, all is told as replaced
const CONTEXT = 3; // unchanged lines around a change

// A column that is not the last one any more has got a comma, which is no change of it.
const alike = (old: string | undefined, now: string | undefined) => old?.replace(/,$/, "") === now?.replace(/,$/, "");

export function diffLines(before: string, after: string): DiffLine[] {
  const old = linesIn(before);
  const now = linesIn(after);
  let head = 0;
  while (head < old.length && head < now.length && alike(old[head], now[head])) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && alike(old.at(-1 - tail), now.at(-1 - tail))) tail += 1;
  const kept = (text: string): DiffLine => ({ sign: " ", text });
  return [
    ...now.slice(0, head).map(kept),
    ...middle(old.slice(head, old.length - tail), now.slice(head, now.length - tail)),
    ...now.slice(now.length - tail).map(kept),
  ];
}

function linesIn(text: string): string[] {
  return text ? text.replace(/\n$/, "").split("\n") : [];
}

function middle(old: string[], now: string[]): DiffLine[] {
  const width = now.length + 1;
  if (old.length * now.length > MOST) {
    return [...old.map((text): DiffLine => ({ sign: "-", text })), ...now.map((text): DiffLine => ({ sign: "+", text }))];
  }
  const longest = new Uint32Array((old.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] = alike(old[i], now[j]) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const found: DiffLine[] = [];
  for (let i = 0, j = 0; i < old.length || j < now.length; ) {
    if (i < old.length && j < now.length && alike(old[i], now[j])) {
      found.push({ sign: " ", text: now[j] ?? "" });
      i += 1;
      j += 1;
    } else if (i < old.length && (j === now.length || at(i + 1, j) >= at(i, j + 1))) {
      found.push({ sign: "-", text: old[i] ?? "" });
      i += 1;
    } else {
      found.push({ sign: "+", text: now[j] ?? "" });
      j += 1;
    }
  }
  return found;
}

/** The same with the unchanged lines far from a change folded to their number. */
export function folded(lines: DiffLine[]): DiffRow[] {
  const near = lines.map(() => false);
  lines.forEach(({ sign }, index) => {
    if (sign === " ") return;
    for (let at = index - CONTEXT; at <= index + CONTEXT; at += 1) if (at in near) near[at] = true;
  });
  const rows: DiffRow[] = [];
  lines.forEach((line, index) => {
    const last = rows.at(-1);
    if (near[index]) rows.push(line);
    else if (last && "same" in last) last.same += 1;
    else rows.push({ same: 1 });
  });
  return rows;
}

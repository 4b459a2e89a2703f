import type { Box } from "./layout";

const GAP = 48; // between groups
const BETWEEN = 28; // between tables of one column
const APART = 46; // between two columns of one rank
const RANKS = 90; // between ranks
const SHAPE = 1.5; // a picture is wider than it is high

/** Tables that hang together, with their places. */
export interface Part {
  places: Map<string, Box>;
  width: number;
  height: number;
}

/**
 * Break ranks that are much too high into several columns: a table that many refer to has them all
 * in one rank. Who stood high stays high.
 */
export function wrapped(part: Part, referred: ReadonlySet<string>): Part {
  const boxes = [...part.places];
  const area = boxes.reduce((sum, [, box]) => sum + (box.width + APART) * (box.height + BETWEEN), 0);
  const most = Math.max(Math.sqrt(area / SHAPE) * 1.1, ...boxes.map(([, box]) => box.height));
  if (part.height <= most * 1.25) return part;
  const ranks = new Map<number, [string, Box][]>();
  for (const each of boxes) {
    const middle = Math.round(each[1].x + each[1].width / 2);
    ranks.set(middle, [...(ranks.get(middle) ?? []), each]);
  }
  const places = new Map<string, Box>();
  let x = 0;
  for (const [, rank] of [...ranks].sort((a, b) => a[0] - b[0])) {
    const columns = columnsOf(rank, most, referred);
    for (const [column, own] of columns.entries()) {
      const width = Math.max(...own.map(([, box]) => box.width));
      stack(own, x, width, part.height, most, places);
      x += width + (column + 1 < columns.length ? APART : RANKS);
    }
  }
  const top = Math.min(...[...places.values()].map((box) => box.y));
  let height = 0;
  for (const box of places.values()) {
    box.y -= top;
    height = Math.max(height, box.y + box.height);
  }
  return { places, width: x - RANKS, height };
}

/** Part a rank into columns; tables that are referred to come last, nearest to who refers to them. */
function columnsOf(rank: [string, Box][], most: number, referred: ReadonlySet<string>): [string, Box][][] {
  rank.sort((a, b) => a[1].y - b[1].y);
  const high = rank.reduce((sum, [, box]) => sum + box.height + BETWEEN, 0);
  const count = Math.ceil(high / (most + BETWEEN));
  const leaves = rank.filter(([id]) => !referred.has(id));
  if (leaves.length === 0 || leaves.length === rank.length) {
    return Array.from({ length: count }, (_, column) => rank.filter((__, index) => index % count === column));
  }
  const columns: [string, Box][][] = [];
  let room = 0;
  for (const each of [...leaves, ...rank.filter(([id]) => referred.has(id))]) {
    const last = columns.at(-1);
    if (last && (room >= each[1].height / 2 || columns.length === count)) last.push(each);
    else {
      columns.push([each]);
      room = high / count;
    }
    room -= each[1].height + BETWEEN;
  }
  for (const column of columns) column.sort((a, b) => a[1].y - b[1].y);
  return columns;
}

/** Put tables below each other, each as near as may be to where it stood in the higher picture. */
function stack(own: [string, Box][], x: number, width: number, before: number, most: number, places: Map<string, Box>): void {
  let end = Number.NEGATIVE_INFINITY;
  const found = own.map(([id, box]) => {
    const wanted = ((box.y + box.height / 2) / before) * most - box.height / 2;
    const y = Math.max(wanted, end);
    end = y + box.height + BETWEEN;
    return { id, wanted, box: { ...box, x: x + (width - box.width) / 2, y } };
  });
  // What was pushed down is shared by all of the column.
  const pushed = found.reduce((sum, each) => sum + each.box.y - each.wanted, 0) / Math.max(found.length, 1);
  for (const each of found) places.set(each.id, { ...each.box, y: each.box.y - pushed });
}

/** Put groups beside and below each other: each below the lowest skyline that is wide enough for it. */
export function packed(given: Part[]): Map<string, Box> {
  const parts = [...given].sort((a, b) => b.height - a.height);
  const area = parts.reduce((sum, part) => sum + (part.width + GAP) * (part.height + GAP), 0);
  const widest = parts.reduce((most, part) => Math.max(most, part.width), 0);
  const wide = Math.max(widest, Math.sqrt(area * 1.7));
  const skyline: { x: number; width: number; y: number }[] = [{ x: 0, width: wide, y: 0 }];
  const found = new Map<string, Box>();
  for (const part of parts) {
    const at = settle(skyline, part.width + GAP, part.height + GAP, wide);
    for (const [id, box] of part.places) found.set(id, { ...box, x: box.x + at.x, y: box.y + at.y });
  }
  return found;
}

function settle(
  skyline: { x: number; width: number; y: number }[],
  width: number,
  height: number,
  wide: number,
): { x: number; y: number } {
  const most = wide + GAP;
  let best = { x: 0, y: Number.POSITIVE_INFINITY };
  for (const start of skyline) {
    if (start.x + width > most && start.x > 0) continue;
    const over = skyline.filter((each) => each.x < start.x + width && each.x + each.width > start.x);
    const y = Math.max(...over.map((each) => each.y));
    if (y < best.y) best = { x: start.x, y };
  }
  const end = best.x + width;
  const rest: typeof skyline = [];
  for (const each of skyline) {
    if (each.x < best.x) rest.push({ ...each, width: Math.min(each.width, best.x - each.x) });
    const right = each.x + each.width;
    if (right > end) rest.push({ x: Math.max(each.x, end), width: right - Math.max(each.x, end), y: each.y });
  }
  rest.push({ x: best.x, width, y: best.y + height });
  skyline.splice(0, skyline.length, ...rest.sort((a, b) => a.x - b.x));
  return best;
}

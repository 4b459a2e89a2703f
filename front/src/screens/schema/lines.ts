import type { Box, Drawn, Tie } from "./layout";
import { HEAD, ROW } from "./layout";

/** A foreign key's line: its path, the marks at its ends, and where a circle says "or none". */
export interface Line {
  path: string;
  marks: string;
  circles: { x: number; y: number }[];
}

const CIRCLE = 3.5;
export { CIRCLE };

/** Where a foreign key meets a table: its last column there, or the middle of the title. */
function height(table: Drawn, box: Box, columns: string[]): number {
  const name = columns.at(-1);
  const row = table.columns.findIndex((column) => column.name === name);
  return row < 0 ? box.y + HEAD / 2 : box.y + HEAD + row * ROW + ROW / 2;
}

/** Draw a foreign key from the column that refers to the column that is referred to. */
export function lineOf(tie: Tie, source: Drawn, from: Box, target: Drawn, to: Box): Line {
  const y1 = height(source, from, tie.key.columns);
  const y2 = height(target, to, tie.key.target_columns);
  let side1 = 1;
  let side2 = 1;
  if (from.x + from.width + 30 <= to.x) side2 = -1;
  else if (to.x + to.width + 30 <= from.x) side1 = -1;
  const x1 = side1 > 0 ? from.x + from.width : from.x;
  const x2 = side2 > 0 ? to.x + to.width : to.x;
  const bow = side1 === side2 ? 60 : Math.max(36, Math.abs(x2 - x1) * 0.45);
  const path = `M${r(x1)} ${r(y1)}h${side1 * 18}C${r(x1 + side1 * (18 + bow))} ${r(y1)} ${r(x2 + side2 * (18 + bow))} ${r(y2)} ${r(x2 + side2 * 18)} ${r(y2)}H${r(x2)}`;
  return { path, ...ends(tie, { x: x1, y: y1, side: side1 }, { x: x2, y: y2, side: side2 }) };
}

interface End {
  x: number;
  y: number;
  side: number;
}

/** A crow's foot or a bar where rows refer; a bar where a row is referred to; a circle for "or none". */
function ends(tie: Tie, many: End, one: End): Pick<Line, "marks" | "circles"> {
  const foot = tie.key.once
    ? `M${r(many.x + many.side * 7)} ${r(many.y - 6)}v12`
    : `M${r(many.x)} ${r(many.y - 6)}l${many.side * 10} 6l${many.side * -10} 6`;
  const bar = `M${r(one.x + one.side * 7)} ${r(one.y - 6)}v12`;
  const circles = [{ x: many.x + many.side * 14, y: many.y }];
  if (tie.key.optional) circles.push({ x: one.x + one.side * 14, y: one.y });
  return { marks: foot + bar, circles };
}

const r = (value: number): number => Math.round(value * 10) / 10;

import type { KeyboardEvent } from "react";

/** A cell: row -1 is the head, column 0 the one with the boxes to tick. */
export interface Place {
  row: number;
  column: number;
}

export interface Extent {
  rows: number;
  columns: number;
  /** Rows that fit into the window. */
  page: number;
}

const clip = (value: number, least: number, most: number): number => Math.max(least, Math.min(most, value));

/** Where a key leads in the grid, as in a spreadsheet; null for a key that does not move. */
export function move(event: KeyboardEvent, { row, column }: Place, { rows, columns, page }: Extent): Place | null {
  const far = event.ctrlKey || event.metaKey;
  const last = columns - 1;
  const steps: Record<string, Place> = {
    ArrowUp: { row: far ? 0 : row - 1, column },
    ArrowDown: { row: far ? rows - 1 : row + 1, column },
    ArrowLeft: { row, column: far ? 0 : column - 1 },
    ArrowRight: { row, column: far ? last : column + 1 },
    Home: { row: far ? 0 : row, column: 0 },
    End: { row: far ? rows - 1 : row, column: last },
    PageUp: { row: Math.max(row - page, Math.min(row, 0)), column },
    PageDown: { row: row + page, column },
  };
  const to = steps[event.key];
  if (!to || event.altKey) return null;
  return { row: clip(to.row, -1, rows - 1), column: clip(to.column, 0, last) };
}

import { columnResizingFeature, columnSizingFeature, columnVisibilityFeature, tableFeatures, useTable, type ColumnDef } from "@tanstack/react-table";
import { useMemo, useState } from "react";
import type { Column } from "./api";
import { type Line, shortType } from "./values";

const features = tableFeatures({ columnResizingFeature, columnSizingFeature, columnVisibilityFeature });
const NO_ROWS: Line[] = [];
const WIDTHS: Record<Column["category"], number> = {
  text: 220,
  number: 110,
  boolean: 90,
  time: 172,
  uuid: 300,
  json: 280,
  array: 220,
  enum: 130,
  bytes: 180,
  other: 180,
};
export const LEAST = 60;
export const MOST = 1200;

// Widths last while the page is open; they are of the eyes, not of what is shown, so no address has them.
const kept = new Map<string, Record<string, number>>();

const widthOf = ({ category, name, type }: Column): number =>
  Math.min(320, Math.max(WIDTHS[category], name.length * 8 + 46, Math.min(shortType(type).length, 24) * 6.4 + 30));

export type ColumnModel = ReturnType<typeof useColumns>;

/** The columns with their widths, by TanStack Table; the rows come from a window of their own. */
export function useColumns(table: string, columns: Column[], shown: string[] | null) {
  const [sizing, setSizing] = useState<Record<string, number>>(() => kept.get(table) ?? {});
  const defs = useMemo<ColumnDef<typeof features, Line>[]>(
    () =>
      columns.map((column) => ({
        id: column.name,
        header: column.name,
        accessorFn: (line) => line.cells.get(column.name),
        size: widthOf(column),
        minSize: LEAST,
        maxSize: MOST,
      })),
    [columns],
  );
  const visibility = useMemo(
    () => Object.fromEntries(columns.map(({ name }) => [name, shown === null || shown.includes(name)])),
    [columns, shown],
  );
  return useTable({
    features,
    columns: defs,
    data: NO_ROWS,
    columnResizeMode: "onChange",
    state: { columnSizing: sizing, columnVisibility: visibility },
    onColumnSizingChange: (update) =>
      setSizing((before) => {
        const next = typeof update === "function" ? update(before) : update;
        kept.set(table, next);
        return next;
      }),
  });
}

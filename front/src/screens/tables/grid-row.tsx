import { memo, type ReactNode } from "react";
import { Link } from "wouter";
import { tables as text } from "../../text/tables";
import type { Column, ForeignKey, Given } from "./api";
import type { Name } from "./asking";
import { StagedValue, Value } from "./cell";
import type { Insert, Update } from "./staged";
import { type Line, referred } from "./values";

export const GUTTER = 64;

/** Where the columns in view stand; the same object as long as they stay. */
export interface Layout {
  columns: { column: Column; at: number; width: number; gap: number }[];
  total: number;
  links: Map<string, ForeignKey>;
}

interface RowProps {
  name: Name;
  index: number;
  top: number;
  layout: Layout;
  line: Line | undefined;
  insert: Insert | undefined;
  update: Update | undefined;
  isGone: boolean;
  isSelected: boolean;
  isOpen: boolean;
  isClashing: boolean;
  canWrite: boolean;
  /** The column where the cursor is, if it is in this row; 0 is the one with the box. */
  here: number | null;
  /** What stands in place of the cell at the cursor while it is edited. */
  editor: ReactNode;
  onOpen: (index: number) => void;
  /** Takes an addition or a deletion back. */
  onForget: (id: string) => void;
}

export const cellId = (row: number, column: number): string => `tables-${row}-${column}`;

function rowClass({ insert, isGone, isClashing, isOpen }: RowProps): string {
  const classes = ["tables-grid-row"];
  if (insert) classes.push("tables-row-new");
  if (isGone) classes.push("tables-row-gone");
  if (isClashing) classes.push("tables-row-clash");
  if (isOpen) classes.push("tables-row-open");
  return classes.join(" ");
}

function Content({ row, column }: { row: RowProps; column: Column }) {
  const { name, line, insert, update, canWrite, layout } = row;
  const staged: Given | undefined = insert ? insert.values.get(column.name) : update?.set.get(column.name);
  if (insert || staged !== undefined) return <StagedValue column={column} given={staged} />;
  const link = layout.links.get(column.name);
  const to = link && line ? referred(link, line) : null;
  return (
    <>
      <Value name={name} column={column} cell={line?.cells.get(column.name)} rowKey={line?.key ?? null} canShow={canWrite} />
      {to && link ? (
        <Link href={to} className="tables-follow" tabIndex={-1} title={text.follow(link.table)} aria-label={text.follow(link.table)}>
          ↗
        </Link>
      ) : null}
    </>
  );
}

/** What stood in a changed cell, for the hover. */
function was(update: Update | undefined, column: string): string | undefined {
  if (!update?.set.has(column)) return undefined;
  const old = update.old.get(column);
  return text.was(old === null ? text.null : typeof old === "string" ? old.slice(0, 500) : text.masked);
}

/** Opens the row; of an added or deleted one it takes that back. */
function GutterButton({ row: { index, line, insert, isGone, onOpen, onForget } }: { row: RowProps }) {
  const id = insert?.id ?? (isGone ? line?.id : null);
  if (!line && !insert) return null;
  const told = insert ? text.dropNew : isGone ? text.keep : text.openRow;
  return (
    <button type="button" className="tables-open" tabIndex={-1} title={told} aria-label={told} onClick={() => (id ? onForget(id) : onOpen(index))}>
      {insert ? "✕" : isGone ? "↶" : "⤢"}
    </button>
  );
}

/** A row of the grid. It is drawn again only when something of it changed. */
export const GridRow = memo(function GridRow(row: RowProps) {
  const { index, top, layout, update, isSelected, here, editor } = row;
  return (
    <div role="row" aria-rowindex={index + 2} aria-selected={isSelected} className={rowClass(row)}
      style={{ transform: `translateY(${top}px)`, width: layout.total }} data-row={index}>
      <div role="gridcell" aria-colindex={1} id={cellId(index, 0)} data-column={0} style={{ width: GUTTER }}
        className={`tables-cell tables-cell-stuck tables-cell-gutter${here === 0 ? " tables-cell-here" : ""}`}>
        <span className="hidden">{text.rowNumber(index + 1)}</span>
        <span className={`tables-check${isSelected ? " tables-check-on" : ""}`} data-tick aria-hidden="true">
          <span>{isSelected ? "✓" : ""}</span>
        </span>
        <GutterButton row={row} />
      </div>
      {layout.columns.map(({ column, at, width, gap }) => {
        const isHere = here === at + 1;
        const classes = ["tables-cell"];
        if (at === 0) classes.push("tables-cell-stuck", "tables-cell-first");
        if (column.category === "number") classes.push("tables-cell-end");
        if (isHere) classes.push(editor ? "tables-cell-editing" : "tables-cell-here");
        if (update?.set.has(column.name)) classes.push("tables-cell-changed");
        return (
          <div key={column.name} role="gridcell" aria-colindex={at + 2} id={cellId(index, at + 1)} data-column={at + 1}
            className={classes.join(" ")} style={{ width, marginInlineStart: gap }} title={was(update, column.name)}>
            {isHere && editor ? editor : <Content row={row} column={column} />}
          </div>
        );
      })}
    </div>
  );
});

import { tables as text } from "../../text/tables";
import type { Sort } from "./api";
import { type ColumnModel, LEAST, MOST } from "./columns";
import { shortType } from "./values";
import { cellId, GUTTER, type Layout } from "./grid-row";

interface Props {
  model: ColumnModel;
  layout: Layout;
  sort: Sort;
  here: number | null;
  isAllSelected: boolean;
}

/** Make a column wider or narrower by the keyboard. */
export function widen(model: ColumnModel, name: string, by: number): void {
  model.setColumnSizing((sizes) => {
    const width = model.getColumn(name)?.getSize() ?? LEAST;
    return { ...sizes, [name]: Math.max(LEAST, Math.min(MOST, width + by)) };
  });
}

/** The heads of the columns: a click sorts, the right edge is dragged. */
export function GridHead({ model, layout, sort, here, isAllSelected }: Props) {
  const headers = new Map(model.getHeaderGroups()[0]?.headers.map((header) => [header.column.id, header]));
  return (
    <div role="row" aria-rowindex={1} className="tables-grid-row tables-grid-head" style={{ width: layout.total }} data-row={-1}>
      <div role="columnheader" aria-colindex={1} id={cellId(-1, 0)} data-column={0} style={{ width: GUTTER }}
        className={`tables-cell tables-cell-stuck tables-cell-gutter tables-column${here === 0 ? " tables-cell-here" : ""}`}>
        <span className="hidden">{text.selectAll}</span>
        <span className={`tables-check${isAllSelected ? " tables-check-on" : ""}`} data-tick aria-hidden="true" title={text.selectAll}>
          <span>{isAllSelected ? "✓" : ""}</span>
        </span>
      </div>
      {layout.columns.map(({ column, at, width, gap }) => {
        const place = sort.findIndex(([name]) => name === column.name);
        const direction = sort[place]?.[1];
        const header = headers.get(column.name);
        const classes = ["tables-cell tables-column"];
        if (at === 0) classes.push("tables-cell-stuck", "tables-cell-first");
        if (here === at + 1) classes.push("tables-cell-here");
        const notes = [shortType(column.type), column.primary ? text.primary : "", column.secret ? text.secret : ""].filter(Boolean).join(" · ");
        return (
          <div key={column.name} role="columnheader" aria-colindex={at + 2} id={cellId(-1, at + 1)} data-column={at + 1}
            aria-sort={direction ? (direction === "asc" ? "ascending" : "descending") : column.sortable ? "none" : undefined}
            className={classes.join(" ")} style={{ width, marginInlineStart: gap }}
            title={[column.name, column.type, column.comment ?? "", column.sortable ? "" : text.unsortable, text.resizeHint].filter(Boolean).join("\n")}>
            <span className="tables-column-text">
              <span className="tables-column-name">{column.name}</span>
              <span className="tables-column-type">{notes}</span>
            </span>
            {direction ? (
              <span className="tables-column-sort" aria-hidden="true">
                {direction === "asc" ? "▲" : "▼"}
                {sort.length > 1 ? place + 1 : ""}
              </span>
            ) : null}
            {header ? (
              <span className={`tables-column-grip${header.column.getIsResizing() ? " tables-column-gripped" : ""}`} data-grip aria-hidden="true"
                title={text.widen} onMouseDown={header.getResizeHandler()} onTouchStart={header.getResizeHandler()}
                onDoubleClick={() => header.column.resetSize()} />
            ) : null}
          </div>
        );
      })}
    </div>
  );
}

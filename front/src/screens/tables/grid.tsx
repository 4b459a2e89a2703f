import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type MouseEvent, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useKeyNotes } from "../../commands";
import { shell } from "../../text/shell";
import { tables as text } from "../../text/tables";
import type { Column, Sort, Table } from "./api";
import type { Name } from "./asking";
import type { ColumnModel } from "./columns";
import { CellEditor, type Then } from "./editor";
import { GridHead, widen } from "./grid-head";
import { cellId, GridRow, GUTTER, type Layout } from "./grid-row";
import { move, type Place } from "./moving";
import { type Insert, seenOf, type Staging, type Update } from "./staged";
import { isDefault, isLong, isMasked, type Line, textOf } from "./values";
import type { RowWindow } from "./window";

const HEIGHT = 32;
const HEAD = 44;
const OVERSCAN = 8;
const AHEAD = 60; // rows before the end of the known ones at which the next page is asked for

/** A cell whose value needs more room than the grid has. */
export interface Target {
  line: Line | null;
  insert: Insert | null;
  column: Column;
}

interface Props {
  table: Table;
  name: Name;
  model: ColumnModel;
  rows: RowWindow<Line>;
  /** Of the window, so that the grid is drawn again when it changes. */
  version: number;
  sort: Sort;
  onSort: (column: string, isAdded: boolean) => void;
  selected: Map<string, Line>;
  onSelect: (next: Map<string, Line>) => void;
  openId: string | null;
  onOpen: (line: Line) => void;
  staging: Staging;
  clashing: Set<string>;
  onEditLarge: (target: Target) => void;
  onCopyCell: (line: Line, column: Column) => void;
  onCopyRows: () => void;
  /** What is said where there are no rows. */
  empty: ReactNode;
}

/** What is drawn, and one more of it that must not go. */
const withPlace = (drawn: number[], place: number | null, count: number): number[] =>
  place === null || place >= count || drawn.includes(place) ? drawn : [...drawn, place].sort((a, b) => a - b);

const noteOf = ([keys, title]: readonly [string, string]) => ({ keys, title, group: text.gridKeys });
const READING = text.keysOf.read.map(noteOf);
const WRITING = text.keysOf.write.map(noteOf);

const isNarrow = () => window.matchMedia("(max-width: 700px)").matches;

/** The rows of a table, as many as there are: only what is in view is drawn. */
export function Grid(props: Props) {
  const { table, name, model, rows, sort, onSort, selected, onSelect, openId, onOpen, staging, onEditLarge } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [here, setHere] = useState<Place>({ row: 0, column: 1 });
  const [editing, setEditing] = useState<{ value: string | null } | null>(null);
  const lastTicked = useRef<number | null>(null);

  useKeyNotes(table.editable ? WRITING : READING);
  const byName = useMemo(() => new Map(table.columns.map((column) => [column.name, column])), [table.columns]);
  const links = useMemo(() => new Map(table.out.flatMap((link) => link.columns.map((column) => [column, link] as const))), [table.out]);
  const visible = model.getVisibleFlatColumns();
  const { inserts } = staging;
  const updates = useMemo(() => new Map(staging.entries.flatMap((each) => (each.kind === "update" ? [[each.id, each] as [string, Update]] : []))), [staging.entries]);
  const gone = useMemo(() => new Set(staging.entries.filter((each) => each.kind === "delete").map((each) => each.id)), [staging.entries]);
  const known = rows.count + inserts.length;
  const waiting = rows.isWhole || rows.error ? 0 : 12;

  const down = useVirtualizer({
    count: known + waiting,
    getScrollElement: () => scroller.current,
    estimateSize: () => HEIGHT,
    overscan: OVERSCAN,
    scrollMargin: HEAD,
    // What is being typed stays, however far one scrolls meanwhile.
    rangeExtractor: (range) => withPlace(defaultRangeExtractor(range), editing ? here.row : null, range.count),
    scrollPaddingStart: HEAD,
  });
  const firstWidth = visible[0]?.getSize() ?? 0;
  const across = useVirtualizer({
    horizontal: true,
    count: visible.length,
    getScrollElement: () => scroller.current,
    estimateSize: (at) => visible[at]?.getSize() ?? 0,
    overscan: 2,
    paddingStart: GUTTER,
    scrollPaddingStart: GUTTER + (isNarrow() ? 0 : firstWidth),
    rangeExtractor: (range) => withPlace([...new Set([0, ...defaultRangeExtractor(range)])], editing ? here.column - 1 : null, range.count),
  });
  const widths = visible.map((column) => `${column.id} ${column.getSize()}`).join();
  useEffect(() => across.measure(), [widths, across]);

  const shownColumns = across.getVirtualItems();
  const layoutId = `${shownColumns.map(({ index, start, size }) => `${index} ${start} ${size}`).join()} ${widths}`;
  const layout = useMemo<Layout>(() => {
    let end = GUTTER;
    const columns = shownColumns.flatMap(({ index, start, size }) => {
      const column = byName.get(visible[index]?.id ?? "");
      if (!column) return [];
      const gap = start - end;
      end = start + size;
      return [{ column, at: index, width: size, gap }];
    });
    return { columns, total: across.getTotalSize(), links };
    // What it is made of is in its name: the arrays are new at every drawing.
  }, [layoutId, byName, links]);

  const items = down.getVirtualItems();
  const first = (down.range?.startIndex ?? 0) - OVERSCAN - inserts.length;
  const last = (down.range?.endIndex ?? 0) - inserts.length;
  useEffect(() => rows.want(first, Math.max(last + AHEAD, 0)), [rows, first, last, props.version]);

  const lineAt = (index: number): Line | undefined => (index < inserts.length ? undefined : rows.row(index - inserts.length));
  const columnAt = (at: number): Column | undefined => byName.get(visible[at - 1]?.id ?? "");

  const goTo = useCallback(
    (to: Place) => {
      setHere((from) => {
        if (to.row >= 0 && to.row !== from.row) down.scrollToIndex(to.row, { align: "auto" });
        if (to.row < 0) down.scrollToOffset(0);
        if (to.column !== from.column) {
          if (to.column <= 1) across.scrollToOffset(0);
          else across.scrollToIndex(to.column - 1, { align: "auto" });
        }
        return to;
      });
    },
    [down, across],
  );
  const focus = () => scroller.current?.focus({ preventScroll: true });
  useEffect(() => {
    // Other rows: they are looked at from their beginning, and the focus stays.
    down.scrollToOffset(0);
    setHere(({ row, column }) => ({ row: Math.min(row, 0), column }));
    lastTicked.current = null;
  }, [rows, down]);
  // A row that was just added is where one goes on typing.
  const insertedBefore = useRef(inserts.length);
  useEffect(() => {
    if (inserts.length > insertedBefore.current) goTo({ row: inserts.length - 1, column: 1 });
    insertedBefore.current = inserts.length;
  }, [inserts.length, goTo]);

  const tick = (index: number, isRange: boolean) => {
    const next = new Map(selected);
    const from = isRange && lastTicked.current !== null ? Math.min(lastTicked.current, index) : index;
    const to = isRange && lastTicked.current !== null ? Math.max(lastTicked.current, index) : index;
    for (let at = from; at <= to; at += 1) {
      const line = lineAt(at);
      if (!line?.id) continue;
      if (!isRange && next.has(line.id)) next.delete(line.id);
      else next.set(line.id, line);
    }
    lastTicked.current = index;
    onSelect(next);
  };
  const loaded = rows.held;
  const isAllSelected = loaded.length > 0 && loaded.every(({ id }) => id !== null && selected.has(id));
  const tickAll = () => onSelect(isAllSelected ? new Map() : new Map(loaded.flatMap((line) => (line.id ? [[line.id, line]] : []))));

  const canEdit = (column: Column | undefined): column is Column =>
    table.editable && column !== undefined && !column.generated && column.identity !== "always";

  const edit = (place: Place) => {
    const column = columnAt(place.column);
    const insert = inserts[place.row] ?? null;
    const line = lineAt(place.row) ?? null;
    if (!canEdit(column) || (line?.id ? gone.has(line.id) : !insert)) return;
    const cell = line?.cells.get(column.name);
    const isLarge = column.category === "json" || isLong(cell);
    if (isLarge) {
      onEditLarge({ line, insert, column });
      return;
    }
    const given = insert ? insert.values.get(column.name) : line?.id ? updates.get(line.id)?.set.get(column.name) : undefined;
    const value = given === undefined ? (isMasked(cell) ? null : textOf(cell)) : isDefault(given) ? null : given;
    setHere(place);
    setEditing({ value });
  };
  const empty = () => {
    const column = columnAt(here.column);
    const insert = inserts[here.row];
    const line = lineAt(here.row);
    if (!canEdit(column)) return;
    if (insert) staging.fill(insert.id, column.name, undefined);
    else if (line?.id && column.nullable && !gone.has(line.id)) staging.update(line, column, null, seenOf(line.cells.get(column.name)));
  };
  const open = (index: number) => {
    const line = lineAt(index);
    if (line) onOpen(line);
  };
  const openByIndex = useRef(open);
  openByIndex.current = open;
  const onOpenRow = useCallback((index: number) => openByIndex.current(index), []);
  const onForget = useCallback((id: string) => forget.current(id), []);
  const forget = useRef((_: string) => {});
  forget.current = (id) => {
    staging.drop((entry) => entry.id === id && entry.kind !== "update");
    focus();
  };

  const finish = (given: Parameters<React.ComponentProps<typeof CellEditor>["onDone"]>[0], then: Then) => {
    const column = columnAt(here.column);
    const insert = inserts[here.row];
    const line = lineAt(here.row);
    setEditing(null);
    if (column && insert) staging.fill(insert.id, column.name, given);
    else if (column && line) staging.update(line, column, given, seenOf(line.cells.get(column.name)));
    if (then === "down") goTo({ row: Math.min(here.row + 1, known - 1), column: here.column });
    if (then === "right") goTo({ row: here.row, column: Math.min(here.column + 1, visible.length) });
    if (then === "left") goTo({ row: here.row, column: Math.max(here.column - 1, 1) });
    if (then !== "stay" || document.activeElement === document.body || scroller.current?.contains(document.activeElement)) focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== scroller.current || editing) return;
    const isCommand = event.ctrlKey || event.metaKey;
    const column = columnAt(here.column);
    const page = Math.max(1, Math.floor(((scroller.current?.clientHeight ?? 0) - HEAD) / HEIGHT) - 1);
    if (event.altKey && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      if (column) widen(model, column.name, event.key === "ArrowLeft" ? -20 : 20);
    } else if (event.key === "Enter" || event.key === "F2") {
      if (here.row < 0) {
        if (here.column === 0) tickAll();
        else if (column?.sortable) onSort(column.name, event.shiftKey);
      } else if (event.shiftKey || here.column === 0 || (!canEdit(column) && event.key === "Enter")) open(here.row);
      else edit(here);
    } else if (event.key === " ") {
      if (here.row < 0) tickAll();
      else tick(here.row, event.shiftKey);
    } else if (event.key === "Escape") {
      if (!selected.size) return;
      onSelect(new Map());
    } else if (isCommand && event.key.toLowerCase() === "c") {
      const line = lineAt(here.row);
      if (selected.size) props.onCopyRows();
      else if (line && column) props.onCopyCell(line, column);
    } else if (isCommand && event.key.toLowerCase() === "a") tickAll();
    else if (event.key === "Delete") empty();
    else {
      const to = move(event, here, { rows: known, columns: visible.length + 1, page });
      if (!to) return;
      goTo(to);
    }
    event.preventDefault();
  };

  const placeOf = (target: EventTarget): Place | null => {
    const cell = (target as Element).closest<HTMLElement>("[data-column]");
    const row = cell?.closest<HTMLElement>("[data-row]");
    if (!cell || !row) return null;
    return { row: Number(row.dataset["row"]), column: Number(cell.dataset["column"]) };
  };
  const onClick = (event: MouseEvent) => {
    const target = event.target as Element;
    const place = placeOf(target);
    if (!place || target.closest("a, button, input, select, [data-grip]")) return;
    setHere(place);
    setEditing(null);
    if (place.column === 0 && target.closest("[data-tick]")) {
      if (place.row < 0) tickAll();
      else tick(place.row, event.shiftKey);
    } else if (place.row < 0) {
      const column = columnAt(place.column);
      if (column?.sortable) onSort(column.name, event.shiftKey);
    }
  };
  const onDoubleClick = (event: MouseEvent) => {
    const target = event.target as Element;
    const place = placeOf(target);
    if (!place || place.row < 0 || target.closest("a, button, input, select")) return;
    if (canEdit(columnAt(place.column))) edit(place);
    else open(place.row);
  };

  const editor = editing ? (
    <CellEditor key={`${here.row} ${here.column}`} column={columnAt(here.column) as Column} value={editing.value}
      link={links.get(columnAt(here.column)?.name ?? "") ?? null} onDone={finish}
      onCancel={() => {
        setEditing(null);
        focus();
      }} />
  ) : null;
  const isNothing = known === 0 && rows.isWhole;
  return (
    <div className="tables-grid-place">
    <div ref={scroller} className="tables-grid" role="grid" tabIndex={0} aria-label={text.grid(table.name)} aria-multiselectable="true" aria-describedby="tables-keys"
      aria-rowcount={rows.isWhole ? known + 1 : -1} aria-colcount={visible.length + 1}
      aria-activedescendant={here.row < known ? cellId(here.row, here.column) : undefined}
      onKeyDown={onKeyDown} onClick={onClick} onDoubleClick={onDoubleClick}>
      <div role="rowgroup" className="tables-grid-heads" style={{ width: layout.total }}>
        <GridHead model={model} layout={layout} sort={sort} here={here.row < 0 ? here.column : null} isAllSelected={isAllSelected} />
      </div>
      <div role="rowgroup" className="tables-grid-sizer" style={{ height: down.getTotalSize(), width: layout.total }}>
        {items.map(({ index, start }) => {
          const line = lineAt(index);
          const insert = inserts[index];
          const id = line?.id ?? "";
          return (
            <GridRow key={insert?.id ?? index} name={name} index={index} top={start - HEAD} layout={layout} line={line} insert={insert}
              update={updates.get(id)} isGone={gone.has(id)} isSelected={selected.has(id)} isOpen={id !== "" && id === openId}
              isClashing={props.clashing.has(id)} canWrite={table.editable} here={here.row === index ? here.column : null}
              editor={here.row === index ? editor : null} onOpen={onOpenRow} onForget={onForget} />
          );
        })}
      </div>
    </div>
      <span id="tables-keys" className="hidden">{table.editable ? text.keysWrite : text.keysRead}</span>
      {rows.isLoading && rows.count === 0 ? <span className="hidden loading" role="status" aria-label={shell.loading} /> : null}
      {isNothing ? <div className="tables-grid-empty">{props.empty}</div> : null}
    </div>
  );
}

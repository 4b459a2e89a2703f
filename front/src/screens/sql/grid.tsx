import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { number, oneLine } from "../../format";
import { Badge, Button } from "../../parts/basic";
import { copyText } from "../../parts/clipboard";
import { Dialog } from "../../parts/dialog";
import { sql } from "../../text/sql";
import type { Statement } from "./api";

const ROW = 28;
const NUMERIC = new Set(["smallint", "integer", "bigint", "numeric", "real", "double precision", "oid"]);
type Place = [row: number, column: number];

function widths({ columns, rows }: Statement): number[] {
  return columns.map((column, place) => {
    let most = Math.max(column.name.length * 1.15, column.type.length * 0.9 + (column.masked ? 9 : 0));
    for (const row of rows.slice(0, 100)) most = Math.max(most, row[place]?.length ?? 4);
    return Math.round(Math.min(420, Math.max(72, most * 7.6 + 24)));
  });
}

function Value({ statement, at: [row, column], onClose }: { statement: Statement; at: Place; onClose: () => void }) {
  const text = statement.rows[row]?.[column] ?? null;
  const whole = statement.cut.find((each) => each[0] === row && each[1] === column)?.[2];
  const name = statement.columns[column]?.name ?? "";
  const copy = () => void copyText(text ?? "");
  return (
    <Dialog title={sql.value(name, number(row + 1))} onClose={onClose} wide actions={<Button onClick={copy}>{sql.copyValue}</Button>}>
      {whole ? <p className="muted">{sql.cutOf(number(text?.length ?? 0), number(whole))}</p> : null}
      <pre className="console-value" dir="auto">{statement.columns[column]?.masked && text !== null ? sql.maskedHint : (text ?? sql.isNull)}</pre>
    </Dialog>
  );
}

/** The rows of a statement: only those in sight stand in the page; arrow keys move, Enter opens. */
export function Grid({ statement }: { statement: Statement }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<Place>([0, 0]);
  const [opened, setOpened] = useState<Place | null>(null);
  const wide = useMemo(() => widths(statement), [statement]);
  const cuts = useMemo(() => new Set(statement.cut.map(([row, column]) => `${row}:${column}`)), [statement]);
  const { rows, columns } = statement;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const template = `${Math.max(40, String(rows.length).length * 9 + 20)}px ${wide.map((each) => `${each}px`).join(" ")}`;
  const id = (row: number, column: number) => `cell-${statement.number}-${row}-${column}`;

  const isInPage = virtual.getVirtualItems().some(({ index }) => index === active[0]);

  const move = (event: KeyboardEvent) => {
    if (event.altKey) return; // with an arrow it is the way back
    const [row, column] = active;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? ROW) / ROW) - 2);
    const steps: Record<string, Place> = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + page, column],
      PageUp: [row - page, column],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? rows.length - 1 : row, columns.length - 1],
    };
    if (event.key === "Enter") {
      event.preventDefault();
      setOpened(active);
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "c" && !window.getSelection()?.toString()) {
      void copyText(rows[row]?.[column] ?? "");
      return;
    }
    const next = steps[event.key];
    if (!next) return;
    event.preventDefault();
    const to: Place = [
      Math.min(rows.length - 1, Math.max(0, next[0])),
      Math.min(columns.length - 1, Math.max(0, next[1])),
    ];
    setActive(to);
    virtual.scrollToIndex(to[0]);
    requestAnimationFrame(() => document.getElementById(id(...to))?.scrollIntoView({ block: "nearest", inline: "nearest" }));
  };

  return (
    <>
      <div
        ref={scroller}
        className="console-grid"
        role="grid"
        tabIndex={0}
        aria-label={sql.grid(statement.number)}
        aria-description={sql.gridHint}
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length + 1}
        {...(isInPage ? { "aria-activedescendant": id(...active) } : {})}
        onKeyDown={move}
      >
        <div role="rowgroup" className="console-grid-head">
          <div role="row" aria-rowindex={1} className="console-row" style={{ gridTemplateColumns: template }}>
            <div role="columnheader" className="console-index" aria-label="#">
              #
            </div>
            {columns.map((column, place) => (
              <div key={place} role="columnheader" className="console-th">
                <span className="console-th-name" title={column.name}>
                  {column.name}
                </span>
                <span className="console-th-type" title={column.type}>
                  {column.type}
                  {column.masked ? (
                    <Badge tone="warn" title={sql.maskedHint}>
                      {sql.masked}
                    </Badge>
                  ) : null}
                </span>
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" className="console-grid-body" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => (
            <div
              key={index}
              role="row"
              aria-rowindex={index + 2}
              className="console-row console-row-at"
              style={{ gridTemplateColumns: template, transform: `translateY(${start}px)` }}
            >
              <div role="rowheader" className="console-index">
                {index + 1}
              </div>
              {(rows[index] ?? []).map((text, place) => (
                <div
                  key={place}
                  id={id(index, place)}
                  role="gridcell"
                  dir="auto"
                  aria-selected={active[0] === index && active[1] === place}
                  className={`console-td${NUMERIC.has(columns[place]?.type ?? "") ? " number" : ""}`}
                  onMouseDown={() => setActive([index, place])}
                  onDoubleClick={() => setOpened([index, place])}
                >
                  {text === null ? (
                    <span className="console-null">{sql.isNull}</span>
                  ) : columns[place]?.masked ? (
                    <span className="muted">{sql.maskedValue}</span>
                  ) : (
                    oneLine(text)
                  )}
                  {cuts.has(`${index}:${place}`) ? <Badge tone="warn">{sql.cut}</Badge> : null}
                </div>
              ))}
            </div>
          ))}
        </div>
      </div>
      {opened ? <Value statement={statement} at={opened} onClose={() => setOpened(null)} /> : null}
    </>
  );
}

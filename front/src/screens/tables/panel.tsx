import { lazy, Suspense, useEffect, useRef, useState } from "react";
import useSWR from "swr";
import type { ApiError } from "../../api";
import { bytes } from "../../format";
import { Badge, Button, Empty, Failure, Loading, told } from "../../parts/basic";
import { Dialog } from "../../parts/dialog";
import { say } from "../../parts/toast";
import { tables as text } from "../../text/tables";
import type { Cell, Column, Given, Key, Table, WholeCell } from "./api";
import { type Name, readCell, readRow } from "./asking";
import { Null, Secret, Short, StagedValue } from "./cell";
import { copyCell } from "./copying";
import type { Target } from "./grid";
import { Links } from "./links";
import type { Staging, Update } from "./staged";
import { JsonTree } from "./tree";
import { exactTime, idOf, isCut, isMasked, type Line, shortType, textOf } from "./values";

interface ValueProps {
  name: Name;
  column: Column;
  cell: Cell | undefined;
  rowKey: Key;
  canWrite: boolean;
}

const MOST_MARKDOWN = 200_000; // characters; beyond, it takes the page's breath
const MARKDOWN = /\n\s*(?:[-*+]|\d+\.) |^#{1,6} |\n#{1,6} |\*\*|```|\[[^\]]+\]\(|\n\|.*\|/;

/** Whether a text may need a bar to scroll, which the keyboard must reach. */
const isTall = (value: string): boolean => value.length > 600 || value.split("\n").length > 14;

// Markdown has a weight that few rows need.
const Markdown = lazy(async () => ({ default: (await import("../../parts/markdown")).Markdown }));

/** A text as it is written, or as Markdown shows it. */
function Prose({ value }: { value: string }) {
  const [isShown, setShown] = useState(false);
  return (
    <>
      <p className="tables-prose-tools">
        <Button kind="quiet" aria-pressed={isShown} onClick={() => setShown(!isShown)}>{text.markdown}</Button>
      </p>
      {isShown ? (
        <Suspense fallback={<Loading lines={4} />}>
          <div className="tables-prose" tabIndex={0} role="group" aria-label={text.markdown}><Markdown text={value} /></div>
        </Suspense>
      ) : (
        <pre className="tables-long" dir="auto" tabIndex={isTall(value) ? 0 : undefined}>{value}</pre>
      )}
    </>
  );
}

/** A text of a column with all of its room. */
function Long({ column, value }: { column: Column; value: string }) {
  if (column.category === "text" && MARKDOWN.test(value) && value.length < MOST_MARKDOWN) return <Prose value={value} />;
  if (column.category === "json") return <JsonTree source={value} />;
  if (column.category === "time") return <span className="tables-long">{exactTime(value)}</span>;
  if (value === "" || column.category === "boolean" || column.category === "enum") return <Short column={column} value={value} />;
  return <pre className={`tables-long${column.category === "text" ? "" : " mono"}`} dir="auto" tabIndex={isTall(value) ? 0 : undefined}>{value}</pre>;
}

/** A value of which only the beginning came; the whole is loaded when it is asked for. */
function Large({ name, column, cell, rowKey }: ValueProps & { cell: Extract<Cell, { bytes: number }> }) {
  const [whole, setWhole] = useState<WholeCell | null>(null);
  const load = async () => {
    try {
      setWhole(await readCell(name, rowKey, column.name));
    } catch (error) {
      say(told(error).message);
    }
  };
  if (whole) {
    return (
      <>
        {whole.cut ? <p className="muted">{text.loadedCut(bytes(whole.bytes))}</p> : null}
        <Long column={column} value={whole.text ?? ""} />
      </>
    );
  }
  return (
    <>
      <pre className="tables-long mono" dir="auto">{cell.text}…</pre>
      <p className="row">
        <span className="muted">{text.beginning(bytes(cell.bytes))}</span>
        {rowKey.length ? <Button onClick={() => void load()}>{text.loadAll(bytes(cell.bytes))}</Button> : null}
      </p>
    </>
  );
}

function Whole(props: ValueProps) {
  const { name, column, cell, rowKey, canWrite } = props;
  if (cell === undefined || cell === null) return <Null />;
  if (isMasked(cell)) return <Secret name={name} column={column} rowKey={rowKey} canShow={canWrite} isWhole />;
  if (isCut(cell)) return <Large {...props} cell={cell} />;
  return <Long column={column} value={cell} />;
}

interface FieldProps extends Omit<ValueProps, "cell"> {
  line: Line;
  given: Given | undefined;
  onEdit: ((target: Target) => void) | null;
}

function Field({ line, given, onEdit, ...rest }: FieldProps) {
  const { column, name } = rest;
  const cell = line.cells.get(column.name);
  const value = textOf(cell);
  const canEdit = onEdit && !column.generated && column.identity !== "always";
  return (
    <div className="tables-value">
      <dt>
        <span className="tables-value-name">{column.name}</span>
        <span title={column.type}>{shortType(column.type)}</span>
        {column.primary ? <Badge>{text.primary}</Badge> : null}
        {column.secret ? <Badge tone="warn">{text.secret}</Badge> : null}
      </dt>
      <dd className="tables-value-tools">
        {canEdit ? <Button kind="quiet" aria-label={text.edit(column.name)} onClick={() => onEdit({ line, insert: null, column })}>{text.editShort}</Button> : null}
        {value === null ? null : (
          <Button kind="quiet" title={text.copyValue(column.name)} aria-label={text.copyValue(column.name)} onClick={() => void copyCell(name, line, column)}>{text.copy}</Button>
        )}
      </dd>
      <dd className={given === undefined ? "" : "tables-cell-changed tables-value-staged"}>
        {given === undefined ? <Whole {...rest} cell={cell} /> : <StagedValue column={column} given={given} />}
      </dd>
    </div>
  );
}

/** A row that nothing tells apart, as of a view: it has no address, so it is shown as it was read. */
export function LooseRow({ table, name, line, onClose }: { table: Table; name: Name; line: Line; onClose: () => void }) {
  return (
    <Dialog wide title={text.row} onClose={onClose}>
      <dl className="tables-fields">
        {table.columns.map((column) =>
          line.cells.has(column.name) ? (
            <Field key={column.name} name={name} column={column} rowKey={[]} canWrite={false} line={line} given={undefined} onEdit={null} />
          ) : null,
        )}
      </dl>
    </Dialog>
  );
}

interface PanelProps {
  table: Table;
  name: Name;
  rowKey: Key;
  staging: Staging;
  /** Changes when the rows were read anew. */
  turn: number;
  onClose: () => void;
  onStep: ((by: 1 | -1) => void) | null;
  onEdit: (target: Target) => void;
}

/** One row with all that it has, beside the grid. */
export function RowPanel({ table, name, rowKey, staging, turn, onClose, onStep, onEdit }: PanelProps) {
  const id = idOf(rowKey);
  const asked = useSWR<Line | null, ApiError>(["row", table.schema, table.name, id, turn], () => readRow(table, rowKey), {
    revalidateOnFocus: false,
    shouldRetryOnError: false,
    revalidateOnReconnect: false,
  });
  const panel = useRef<HTMLElement>(null);
  useEffect(() => panel.current?.focus(), []);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    // A button that did its work is gone, and the focus with it: Escape still closes the row.
    const lost = (event: globalThis.KeyboardEvent) => {
      if (event.key === "Escape" && document.activeElement === document.body) close.current();
    };
    document.addEventListener("keydown", lost);
    return () => document.removeEventListener("keydown", lost);
  }, []);
  const update = staging.entries.find((each): each is Update => each.kind === "update" && each.id === id);
  const title = `${text.row} ${table.key?.[0] === "ctid" ? "" : rowKey.join(" · ")}`;
  const line = asked.data;
  return (
    <section ref={panel} className="tables-panel" aria-label={title} tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.stopPropagation();
        onClose();
      }}>
      <header className="tables-panel-head">
        <h2 title={title}>{title}</h2>
        {onStep ? (
          <>
            <Button kind="quiet" title={text.previousRow} aria-label={text.previousRow} onClick={() => onStep(-1)}>↑</Button>
            <Button kind="quiet" title={text.nextRow} aria-label={text.nextRow} onClick={() => onStep(1)}>↓</Button>
          </>
        ) : null}
        <Button kind="quiet" title={text.closeRow} aria-label={text.closeRow} onClick={onClose}>✕</Button>
      </header>
      <div className="tables-panel-body">
        {asked.error ? <Failure error={asked.error} onRetry={() => void asked.mutate()} /> : null}
        {line === undefined && !asked.error ? <Loading lines={12} /> : null}
        {line === null ? <Empty title={text.rowGone}>{text.rowGoneHint}</Empty> : null}
        {line ? (
          <>
            <dl className="tables-fields">
              {table.columns.map((column) => (
                <Field key={`${id} ${column.name}`} name={name} column={column} rowKey={rowKey} canWrite={table.editable} line={line}
                  given={update?.set.get(column.name)} onEdit={table.editable ? onEdit : null} />
              ))}
            </dl>
            <Links table={table} name={name} line={line} rowKey={rowKey} />
          </>
        ) : null}
      </div>
    </section>
  );
}

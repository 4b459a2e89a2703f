import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { Link } from "wouter";
import { ApiError } from "../../api";
import { type Command, useCommands } from "../../commands";
import { Button, Empty, Failure, told } from "../../parts/basic";
import { say } from "../../parts/toast";
import { shell } from "../../text/shell";
import { tables as text } from "../../text/tables";
import type { Given, Table } from "./api";
import { countRows, duplicateOf, type Name, readCell, readRows } from "./asking";
import { useColumns } from "./columns";
import { copyCell, copyItems, copyOut } from "./copying";
import { ValueDialog } from "./editor";
import { FilterBar } from "./filters";
import { Foot } from "./foot";
import { Grid, type Target } from "./grid";
import { AskBeforeLeaving } from "./leaving";
import { titleOf } from "./list";
import { LooseRow, RowPanel } from "./panel";
import { Review } from "./review";
import { changesOf, seenOf, useStaging } from "./staged";
import { useShown } from "./state";
import { Toolbar } from "./toolbar";
import { idOf, isCut, isDefault, type Line, sortedBy, tableAddress, textOf } from "./values";
import { RowWindow } from "./window";

/** What is asked of the server, as one text: rows of another one belong to another window. */
function useRows(name: Name, table: Table, shown: ReturnType<typeof useShown>[0], scan: boolean) {
  const { sort, filter, q } = shown;
  const asked = JSON.stringify([name, sort, filter, q, scan]);
  const wanted = shown.columns ? table.columns.flatMap(({ name: each }) => (shown.columns?.includes(each) ? [each] : [])) : [];
  const fetched = useRef<string[]>([]); // none stands for all
  const rows = useMemo(() => {
    fetched.current = wanted;
    return new RowWindow<Line>((after, signal) => readRows(name, { sort, filter, q, scan, columns: fetched.current }, after, signal));
  }, [asked]);
  useEffect(() => {
    const has = fetched.current;
    if (has.length === 0 || (wanted.length > 0 && wanted.every((each) => has.includes(each)))) return;
    fetched.current = wanted;
    void rows.refresh();
  });
  useEffect(() => () => rows.close(), [rows]);
  const version = useSyncExternalStore(rows.watch, () => rows.version);
  return { rows, version };
}

/** One table: its rows, what they are filtered by, one row beside them, and the changes to come. */
export function OneTable({ table, onReread }: { table: Table; onReread: () => void }) {
  const name = useMemo<Name>(() => ({ schema: table.schema, table: table.name }), [table.schema, table.name]);
  const path = tableAddress(table.schema, table.name);
  const [shown, setShown] = useShown(path);
  const { sort, filter, q, row } = shown;
  const asked = JSON.stringify([sort, filter, q]);
  const [scanned, setScanned] = useState<string | null>(null);
  const scan = scanned === asked;
  const { rows, version } = useRows(name, table, shown, scan);
  const model = useColumns(path, table.columns, shown.columns);
  const staging = useStaging(path);
  const changes = changesOf(table, staging.entries).length;
  const [selected, setSelected] = useState<Map<string, Line>>(new Map());
  const [count, setCount] = useState<{ asked: string; count: number } | null>(null);
  const [isCounting, setCounting] = useState(false);
  const [isAdding, setAdding] = useState(false);
  const [isReviewing, setReviewing] = useState(false);
  const [large, setLarge] = useState<{ target: Target; value: string | null; md5: string | null } | null>(null);
  const [loose, setLoose] = useState<Line | null>(null);
  const [clashing, setClashing] = useState<Set<string>>(new Set());
  const [turn, setTurn] = useState(0);
  const place = useRef<HTMLDivElement>(null);
  const focusGrid = () => place.current?.querySelector<HTMLElement>("[role=grid]")?.focus();

  useEffect(() => {
    document.title = `${titleOf(table)} · ${shell.product}`;
  }, [table]);
  useEffect(() => setSelected(new Map()), [asked]);

  const refresh = useCallback(() => {
    setTurn((before) => before + 1);
    setCount(null);
    onReread();
    void rows.refresh();
  }, [rows, onReread]);
  const countAll = async () => {
    setCounting(true);
    try {
      setCount({ asked, count: (await countRows(name, filter, q)).count });
    } catch (error) {
      say(told(error).message);
    } finally {
      setCounting(false);
    }
  };
  const wanted = { table, shown, selected, scan };

  const openLarge = async (target: Target) => {
    const { line, insert, column } = target;
    const cell = line?.cells.get(column.name);
    const entry = staging.entries.find((each) => each.kind === "update" && each.id === line?.id);
    const given = insert ? insert.values.get(column.name) : entry?.kind === "update" ? entry.set.get(column.name) : undefined;
    if (given !== undefined && !isDefault(given)) setLarge({ target, value: given, md5: null });
    else if (line?.key && isCut(cell)) {
      try {
        const whole = await readCell(name, line.key, column.name);
        if (whole.cut) say(text.loadedCut(""));
        else setLarge({ target, value: whole.text, md5: whole.md5 });
      } catch (error) {
        say(told(error).message);
      }
    } else setLarge({ target, value: textOf(cell), md5: null });
  };
  const takeLarge = (given: Given) => {
    if (!large) return;
    const { line, insert, column } = large.target;
    if (insert) staging.fill(insert.id, column.name, given);
    else if (line && given !== large.value) staging.update(line, column, given, seenOf(line.cells.get(column.name), large.md5));
    setLarge(null);
    focusGrid();
  };
  const duplicate = async (line: Line) => {
    if (!line.key) return;
    try {
      const { values, left } = await duplicateOf(name, line.key);
      staging.insert(new Map(Object.entries(values)));
      const toFill = left.filter(({ why }) => why === "unique" || why === "secret" || why === "large").map(({ column }) => column);
      if (toFill.length) say(text.duplicateLeft(toFill.join(", ")));
      setSelected(new Map());
      focusGrid();
    } catch (error) {
      say(told(error).message);
    }
  };
  const add = () => {
    staging.insert(new Map());
    focusGrid();
  };

  const openRow = (line: Line) => {
    if (line.key) setShown({ row: line.key }, row ? "replace" : "push");
    else setLoose(line);
  };
  const openId = row ? idOf(row) : null;
  const step = (by: 1 | -1) => {
    const held = rows.held;
    const next = held[held.findIndex(({ id }) => id === openId) + by];
    if (next?.key) setShown({ row: next.key }, "replace");
  };
  const latest = useRef({ countAll, copyCsv: () => {}, review: () => {} });
  latest.current = { countAll, copyCsv: () => void copyOut(wanted, "csv", "clipboard"), review: () => setReviewing(true) };
  const commands = useMemo<Command[]>(
    () => [
      { id: "tables-filter", title: text.addFilter, group: text.group, run: () => setAdding(true) },
      { id: "tables-count", title: text.count, group: text.group, run: () => void latest.current.countAll() },
      { id: "tables-copy", title: text.copyShown(text.formats.csv), group: text.group, run: () => latest.current.copyCsv() },
      ...(changes ? [{ id: "tables-review", title: text.reviewTitle, group: text.group, run: () => latest.current.review() }] : []),
    ],
    [changes > 0],
  );
  useCommands(commands);

  const refusal = rows.error instanceof ApiError && rows.error.refusal.code === "would_scan" ? rows.error.refusal : null;
  const isFiltered = filter.length > 0 || q !== "";
  return (
    <>
      <div ref={place} className="tables-one"
        onKeyDown={(event) => {
          if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
          event.preventDefault();
          if (event.shiftKey) staging.redo();
          else staging.undo();
        }}>
        <Toolbar table={table} columns={shown.columns} onColumns={(columns) => setShown({ columns }, "replace")}
          count={count?.asked === asked ? count.count : null} isCounting={isCounting} onCount={() => void countAll()}
          onRefresh={refresh} onAdd={add} copying={copyItems(wanted)} />
        <FilterBar columns={table.columns} filter={filter} q={q} isAdding={isAdding} onAdding={setAdding}
          onFilter={(next) => setShown({ filter: next })} onQuick={(next) => setShown({ q: next }, "replace")} />
        {refusal ? (
          <div className="tables-notice" role="alert">
            <p>
              <strong>{refusal.message}</strong> {text.wouldScanHint}
            </p>
            {table.searchable ? <Link href={`/search${q ? `?q=${encodeURIComponent(q)}` : ""}`}>{text.searchInstead}</Link> : null}
            <Button onClick={() => setScanned(asked)}>{text.searchAnyway}</Button>
          </div>
        ) : rows.error ? (
          <div className="tables-notice-place"><Failure error={rows.error} onRetry={() => rows.retry()} /></div>
        ) : null}
        <div className={`tables-body${row ? " tables-body-row" : ""}`}>
          <Grid table={table} name={name} model={model} rows={rows} version={version} sort={sort}
            onSort={(column, isAdded) => setShown({ sort: sortedBy(sort, column, isAdded) })}
            selected={selected} onSelect={setSelected} openId={openId} onOpen={openRow}
            staging={staging} clashing={clashing} onEditLarge={(target) => void openLarge(target)}
            onCopyCell={(line, column) => void copyCell(name, line, column)} onCopyRows={() => void copyOut(wanted, "csv", "clipboard")}
            empty={<Empty title={isFiltered ? text.noMatch : text.noRows}>{isFiltered ? text.noMatchHint : text.noRowsHint}</Empty>} />
          {row ? (
            <RowPanel table={table} name={name} rowKey={row} staging={staging} turn={turn}
              onClose={() => {
                setShown({ row: null });
                focusGrid();
              }}
              onStep={rows.held.some(({ id }) => id === openId) ? step : null} onEdit={(target) => void openLarge(target)} />
          ) : null}
        </div>
        <Foot staging={staging} changes={changes} selected={selected} rows={rows} canWrite={table.editable}
          onClear={() => {
            setSelected(new Map());
            focusGrid();
          }}
          onDiscard={() => {
            staging.replace([]);
            focusGrid();
          }}
          onDuplicate={(line) => void duplicate(line)} onReview={() => setReviewing(true)} />
      </div>
      {loose ? (
        <LooseRow table={table} name={name} line={loose}
          onClose={() => {
            setLoose(null);
            focusGrid();
          }} />
      ) : null}
      {large ? <ValueDialog column={large.target.column} value={large.value} onDone={takeLarge} onClose={() => setLarge(null)} /> : null}
      {isReviewing ? (
        <Review table={table} staging={staging} onClashes={setClashing} onClose={() => setReviewing(false)}
          onApplied={() => {
            setReviewing(false);
            setSelected(new Map());
            refresh();
            focusGrid();
          }} />
      ) : null}
      <AskBeforeLeaving changes={changes} path={path} onDiscard={() => staging.clear()} />
    </>
  );
}

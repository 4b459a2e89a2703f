import { Link } from "wouter";
import { bytes, compact, number } from "../../format";
import { Badge, Button } from "../../parts/basic";
import { tables as text } from "../../text/tables";
import type { Table } from "./api";
import { titleOf } from "./list";
import { Menu, type MenuItem } from "./menu";

interface Props {
  table: Table;
  columns: string[] | null;
  onColumns: (columns: string[] | null) => void;
  /** What counting gave, of the rows that are shown. */
  count: number | null;
  isCounting: boolean;
  onCount: () => void;
  onRefresh: () => void;
  onAdd: () => void;
  copying: MenuItem[];
}

/** The name of the table, and what one may do with all of it. */
export function Toolbar({ table, columns, onColumns, count, isCounting, onCount, onRefresh, onAdd, copying }: Props) {
  const names = table.columns.map(({ name }) => name);
  const hidden = columns === null ? 0 : names.filter((name) => !columns.includes(name)).length;
  const toggle = (name: string) => {
    const shown = columns ?? names;
    const next = names.filter((each) => (each === name ? !shown.includes(name) : shown.includes(each)));
    if (next.length) onColumns(next.length === names.length ? null : next);
  };
  const items: MenuItem[] = [
    ...names.map((name) => ({ label: name, on: columns === null || columns.includes(name), run: () => toggle(name) })),
    { label: text.allColumns, run: () => onColumns(null), disabled: hidden === 0 },
  ];
  return (
    <header className="tables-head">
      <Link href="/tables" className="button button-quiet tables-back" aria-label={text.back} title={text.back}>←</Link>
      <h1 tabIndex={-1} title={`${table.schema}.${table.name}`}>{titleOf(table)}</h1>
      {table.kind === "table" ? null : <Badge>{text.kinds[table.kind]}</Badge>}
      <span className="muted tables-head-about">
        {count === null ? (
          [table.estimate === null ? "" : text.about(compact(table.estimate)), bytes(table.bytes.total)].filter(Boolean).join(" · ")
        ) : (
          <span title={text.countedTitle}>{text.counted(number(count))}</span>
        )}
      </span>
      <span className="grow" />
      <div className="row tables-tools">
        <Button disabled={isCounting} onClick={onCount} title={text.count} aria-label={text.count}>
          {`${text.countShort} `}
          <span className="tables-wide">{text.countRest}</span>
        </Button>
        <Button title={text.refreshTitle} aria-label={text.refresh} onClick={onRefresh}>↻</Button>
        <Menu label={hidden ? text.hidden(hidden) : text.columns} title={text.columnsTitle} items={items} />
        <Menu label={text.copy} title={text.copyTitle} items={copying} />
        {table.editable ? <Button kind="primary" onClick={onAdd}>{text.addRow}</Button> : null}
      </div>
    </header>
  );
}

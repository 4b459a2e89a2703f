import { useMemo, useState } from "react";
import { Link } from "wouter";
import { bytes, compact } from "../../format";
import { Empty } from "../../parts/basic";
import { tables as text } from "../../text/tables";
import type { TableLine } from "./api";
import { tableAddress } from "./values";

/** What people call a table: its name in the project's schema, else its own, with its schema. */
export function titleOf({ attribute, schema, name }: Pick<TableLine, "attribute" | "schema" | "name">): string {
  return attribute ?? (schema === "public" ? name : `${schema}.${name}`);
}

function TableLink({ table, isHere }: { table: TableLine; isHere: boolean }) {
  const title = titleOf(table);
  const rows = table.estimate === null ? null : compact(table.estimate);
  const whole = table.schema === "public" ? table.name : `${table.schema}.${table.name}`;
  const about = [whole, text.kinds[table.kind], table.comment ?? "", table.readable ? "" : text.unreadable].filter(Boolean).join("\n");
  return (
    <li>
      <Link href={tableAddress(table.schema, table.name)} className="tables-link" aria-current={isHere ? "page" : undefined} title={about}>
        <span className="tables-link-name">{title}</span>
        <span className="tables-link-size">
          {rows === null ? null : <span title={text.estimated(rows)}>{`${rows} · `}</span>}
          {bytes(table.bytes.total)}
        </span>
      </Link>
    </li>
  );
}

interface GroupProps {
  title: string;
  tables: TableLine[];
  here: string | null;
  isFolded?: boolean;
}

function Group({ title, tables, here, isFolded = false }: GroupProps) {
  if (!tables.length) return null;
  const list = (
    <ul>
      {tables.map((table) => (
        <TableLink key={`${table.schema} ${table.name}`} table={table} isHere={here === `${table.schema} ${table.name}`} />
      ))}
    </ul>
  );
  if (!isFolded) {
    return (
      <section className="tables-group">
        <h2>{title}</h2>
        {list}
      </section>
    );
  }
  const isInside = tables.some((table) => here === `${table.schema} ${table.name}`);
  return (
    <details className="tables-group" open={isInside || undefined}>
      <summary>{`${title} (${tables.length})`}</summary>
      {list}
    </details>
  );
}

/** All tables, ours first, what the tools keep for themselves folded away. */
export function TableList({ tables, here }: { tables: TableLine[]; here: string | null }) {
  const [typed, setTyped] = useState("");
  const found = useMemo(() => {
    const wanted = typed.trim().toLowerCase();
    return tables.filter((table) => `${titleOf(table)} ${table.schema}.${table.name}`.toLowerCase().includes(wanted));
  }, [tables, typed]);
  const internal = found.filter((table) => table.internal || table.partition);
  const open = found.filter((table) => !table.internal && !table.partition);
  const ours = open.filter(({ attribute }) => attribute !== null).sort((a, b) => titleOf(a).localeCompare(titleOf(b)));
  return (
    <nav className="tables-list" aria-label={text.list}>
      <input type="search" className="tables-list-search" aria-label={text.find} placeholder={text.find} value={typed} spellCheck={false}
        onChange={(event) => setTyped(event.target.value)} />
      <Group title={text.ours} tables={ours} here={here} />
      <Group title={text.others} tables={open.filter(({ attribute }) => attribute === null)} here={here} />
      <Group title={text.internal} tables={internal} here={here} isFolded={typed === ""} />
      {tables.length === 0 ? <Empty title={text.noTables}>{text.noTablesHint}</Empty> : null}
      {tables.length > 0 && found.length === 0 ? <Empty title={text.noneFound}>{text.noneFoundHint}</Empty> : null}
    </nav>
  );
}

import "../../styles/tables.css";
import "../../styles/tables-grid.css";
import "../../styles/tables-row.css";
import { useEffect } from "react";
import { Answer, Empty } from "../../parts/basic";
import { shell } from "../../text/shell";
import { tables as text } from "../../text/tables";
import { type Name, useTable, useTables } from "./asking";
import { TableList } from "./list";
import { OneTable } from "./one";
import { useNamed } from "./state";

function Opened({ name }: { name: Name }) {
  const asked = useTable(name);
  return (
    <Answer of={asked} lines={12}>
      {(table) => <OneTable table={table} onReread={() => void asked.mutate()} />}
    </Answer>
  );
}

function Welcome() {
  useEffect(() => {
    document.title = `${text.title} · ${shell.product}`;
  }, []);
  return (
    <div className="tables-welcome">
      <Empty title={text.choose}>{text.chooseHint}</Empty>
    </div>
  );
}

/** All tables of the database, and the rows of one of them. */
export default function Screen() {
  const asked = useTables();
  const name = useNamed();
  return (
    <div className={`tables${name ? " tables-opened" : ""}`}>
      <div className="tables-side">
        {name ? null : <h1 className="hidden" tabIndex={-1}>{text.title}</h1>}
        <Answer of={asked} lines={14}>
          {(tables) => <TableList tables={tables} here={name && `${name.schema} ${name.table}`} />}
        </Answer>
      </div>
      <div className="tables-main">{name ? <Opened key={`${name.schema} ${name.table}`} name={name} /> : <Welcome />}</div>
    </div>
  );
}

import { Link } from "wouter";
import { number } from "../../format";
import { Badge } from "../../parts/basic";
import { SqlInline } from "../../parts/sql-text";
import { tablePage as text } from "../../text/schema";
import { named, pageOf, type PageColumn, type TablePage } from "./api";
import { Section } from "./section";

export function Columns({ page }: { page: TablePage }) {
  const hasComments = page.columns.some((column) => column.comment);
  return (
    <Section title={text.columns} count={number(page.columns.length)}>
      <div className="scroll-x" tabIndex={0} role="region" aria-label={text.columns}>
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">{text.column}</th>
              <th scope="col">{text.type}</th>
              <th scope="col">{text.nullable}</th>
              <th scope="col">{text.defaults}</th>
              {hasComments ? <th scope="col">{text.comment}</th> : null}
            </tr>
          </thead>
          <tbody>
            {page.columns.map((column) => (
              <tr key={column.name}>
                <th scope="row" className="schema-cell-name">
                  <code>{column.name}</code>
                  <Marks column={column} page={page} />
                </th>
                <td className="mono">
                  {column.type}
                  {column.collation ? <span className="muted">{` ${text.collation(column.collation)}`}</span> : null}
                </td>
                <td className={column.null ? "" : "muted"}>{column.null ? text.mayBeNull : text.notNull}</td>
                <td>
                  <Default column={column} />
                </td>
                {hasComments ? <td>{column.comment}</td> : null}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function Marks({ column, page }: { column: PageColumn; page: TablePage }) {
  const targets = page.keys_out.filter((key) => key.columns.includes(column.name));
  return (
    <>
      {column.key ? <Badge tone="accent">{text.key}</Badge> : null}
      {column.secret ? (
        <Badge tone="warn" title={text.secretHint}>
          {text.secret}
        </Badge>
      ) : null}
      {targets.map((key) => (
        <Link key={key.name} href={pageOf(key.target_schema, key.target_table)} className="schema-target" title={key.definition}>
          {text.foreign(named(key.target_schema, key.target_table))}
        </Link>
      ))}
    </>
  );
}

function Default({ column }: { column: PageColumn }) {
  if (column.identity) return <span className="muted">{text.identity[column.identity]}</span>;
  if (column.generated !== null) {
    return (
      <>
        <span className="muted">{`${text.generated} `}</span>
        <SqlInline sql={column.generated} />
      </>
    );
  }
  if (column.serial) return <span className="muted">{text.serial}</span>;
  return column.default === null ? null : <SqlInline sql={column.default} />;
}

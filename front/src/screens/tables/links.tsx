import { Link } from "wouter";
import { number } from "../../format";
import { Answer } from "../../parts/basic";
import { tables as text } from "../../text/tables";
import type { Key, Reference, Table } from "./api";
import { type Name, useReferences } from "./asking";
import { type Line, referred, tableAddress } from "./values";

function howMany({ count, more }: Reference): string {
  if (count === null) return text.countUnknown;
  return more ? `${number(count)}+` : number(count);
}

const isPlain = ({ count }: Reference): boolean => count === null || count > 0;

/** Where a row leads along foreign keys, and what leads to it. */
export function Links({ table, name, line, rowKey }: { table: Table; name: Name; line: Line; rowKey: Key }) {
  const references = useReferences(name, table.into.length ? rowKey : null);
  const goes = table.out.flatMap((link) => {
    const to = referred(link, line);
    return to ? [{ link, to }] : [];
  });
  return (
    <>
      {goes.length ? (
        <>
          <h3>{text.goesTo}</h3>
          <ul className="tables-links">
            {goes.map(({ link, to }) => (
              <li key={link.name}>
                <Link href={to}>{link.table}</Link>
                <span className="muted">{link.columns.join(", ")}</span>
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {table.into.length ? (
        <>
          <h3>{text.comesFrom}</h3>
          <Answer of={references} lines={3}>
            {({ references: found }) =>
              found.some(isPlain) ? (
                <ul className="tables-links">
                  {found.filter(isPlain).map((each) => {
                    const told = text.references(howMany(each), each.table);
                    return (
                      <li key={`${each.table} ${each.name}`}>
                        {each.filter ? <Link href={tableAddress(each.schema, each.table, { filter: each.filter })}>{told}</Link> : told}
                        <span className="muted">{each.others.join(", ")}</span>
                      </li>
                    );
                  })}
                </ul>
              ) : (
                <p className="muted">{text.noReferences}</p>
              )
            }
          </Answer>
        </>
      ) : null}
    </>
  );
}

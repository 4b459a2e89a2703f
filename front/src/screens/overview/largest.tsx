import { Link } from "wouter";
import { bytes, compact } from "../../format";
import { Answer, Empty } from "../../parts/basic";
import { overview as text } from "../../text/overview";
import { named, pageOf } from "../schema/api";
import { useGlance } from "./api";

/** The largest tables, with a bar of their size beside the largest of all. */
export function Largest() {
  const asked = useGlance();
  return (
    <section className="panel overview-panel" aria-labelledby="overview-largest">
      <h2 id="overview-largest">{text.largest}</h2>
      <Answer of={{ ...asked, mutate: asked.again }} lines={8}>
        {({ largest }) =>
          largest.length ? (
            <table className="overview-tables">
              <thead>
                <tr>
                  <th scope="col">{text.table}</th>
                  <th scope="col" className="number">
                    {text.rows}
                  </th>
                  <th scope="col" className="number">
                    {text.size}
                  </th>
                </tr>
              </thead>
              <tbody>
                {largest.map((table) => (
                  <tr key={`${table.schema} ${table.name}`}>
                    <th scope="row">
                      <Link href={pageOf(table.schema, table.name)}>{named(table.schema, table.name)}</Link>
                      <span className="overview-bar" aria-hidden="true">
                        <span style={{ inlineSize: `${(table.bytes / Math.max(largest[0]?.bytes ?? 1, 1)) * 100}%` }} />
                      </span>
                    </th>
                    <td className="number muted">{table.rows === null ? text.unknown : compact(table.rows)}</td>
                    <td className="number">{bytes(table.bytes)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          ) : (
            <Empty title={text.noTables}>{text.noTablesHint}</Empty>
          )
        }
      </Answer>
    </section>
  );
}

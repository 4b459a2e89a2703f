import { ago, bytes, exactTime, number, time } from "../../format";
import { Badge } from "../../parts/basic";
import { SqlInline } from "../../parts/sql-text";
import { tablePage as text } from "../../text/schema";
import type { Index, TablePage } from "./api";
import { Section } from "./section";

export function Indexes({ page }: { page: TablePage }) {
  const most = Math.max(1, ...page.indexes.map((index) => index.scans));
  const { since, started } = page.statistics;
  return (
    <Section title={text.indexes} count={number(page.indexes.length)}>
      {page.indexes.length ? (
        <>
          <ul className="schema-lines">
            {page.indexes.map((index) => (
              <li key={index.name} className="schema-index">
                <div className="schema-index-what">
                  <div className="row">
                    <code className="schema-name">{index.name}</code>
                    <Marks index={index} />
                  </div>
                  <SqlInline sql={index.definition} />
                </div>
                <Use index={index} most={most} />
              </li>
            ))}
          </ul>
          <p className="muted">{since ? text.sinceReset(time(since)) : text.sinceAlways(time(started))}</p>
        </>
      ) : (
        <p className="muted">{text.noIndexes}</p>
      )}
    </Section>
  );
}

function Marks({ index }: { index: Index }) {
  const isFree = !index.constraint && !index.is_unique;
  return (
    <>
      {index.is_unique ? <Badge>{text.uniqueIndex}</Badge> : null}
      {index.constraint ? <Badge>{text.ofConstraint}</Badge> : null}
      {index.is_valid ? null : (
        <Badge tone="bad" title={text.invalidHint}>
          {text.invalid}
        </Badge>
      )}
      {index.scans === 0 && isFree && index.is_valid ? (
        <Badge title={text.unusedHint}>{text.unused}</Badge>
      ) : null}
      {index.covered_by.map((other) => (
        <Badge key={other} tone="warn" title={text.coveredHint}>
          {text.covered(other)}
        </Badge>
      ))}
    </>
  );
}

/** How often it was used beside the table's other indexes, and what it takes. */
function Use({ index, most }: { index: Index; most: number }) {
  return (
    <div className="schema-index-use">
      <div className="schema-bar" aria-hidden="true">
        <span style={{ inlineSize: `${(index.scans / most) * 100}%` }} />
      </div>
      <span className="number">{text.usesOf(index.scans)}</span>
      <span className="number muted">{bytes(index.bytes)}</span>
      <span className="muted" title={index.last_scan ? exactTime(index.last_scan) : undefined}>
        {index.last_scan ? ago(index.last_scan) : ""}
      </span>
    </div>
  );
}

import { useMemo } from "react";
import { useAsk } from "../../api";
import { Answer, Badge, Empty, type Tone } from "../../parts/basic";
import { coloured, SqlText } from "../../parts/sql-text";
import { tokens } from "../../parts/sql-tokens";
import { migrations as text } from "../../text/migrations";
import { type Change, type Effect, fileOf, type Found } from "./api";
import { diffLines, folded } from "./diff";

const TONES: Record<Found, Tone> = { added: "good", removed: "bad", changed: "accent" };
const SIGNS: Record<Found, string> = { added: "+", removed: "−", changed: "~" };

/** What a migration makes of the database's objects. */
export function Changes({ tag }: { tag: string }) {
  const asked = useAsk<Effect>(`${fileOf(tag)}/changes`, { keepPreviousData: false });
  return (
    <Answer of={asked} lines={10}>
      {(effect) =>
        effect.changes.length + effect.others.length === 0 ? (
          <Empty title={text.changes.none}>{text.changes.noneHint}</Empty>
        ) : (
          <div className="stack">
            <p className="muted">{text.changes.about}</p>
            {effect.changes.map((change) => (
              <One key={`${change.kind} ${change.name}`} change={change} effect={effect} />
            ))}
            {effect.others.length ? (
              <p>
                {text.changes.others}: {effect.others.join(", ")}
              </p>
            ) : null}
          </div>
        )
      }
    </Answer>
  );
}

function One({ change, effect }: { change: Change; effect: Effect }) {
  const renamed = effect.renamed.filter((each) => each.table === (change.was || change.name));
  return (
    <section className="panel stack" aria-label={`${change.kind} ${change.name}`}>
      <div className="row">
        <Badge tone={TONES[change.found]}>{text.changes.found[change.found]}</Badge>
        <h2 className="migrations-name">
          <span className="muted">{change.kind}</span> {change.name}
        </h2>
        {change.was ? <span className="muted">{text.changes.was(change.was)}</span> : null}
      </div>
      {change.parts.length + renamed.length ? (
        <ul className="migrations-parts" aria-label={text.changes.parts(change.name)}>
          {renamed.map((each) => (
            <li key={each.was}>{text.changes.columnRenamed(each.was, each.name)}</li>
          ))}
          {change.parts.map((part) => (
            <li key={`${part.kind} ${part.name}`}>
              <span className={`migrations-sign migrations-${part.found}`} aria-label={text.changes.found[part.found]}>
                {SIGNS[part.found]}
              </span>
              <span className="muted">{part.kind}</span> <code>{part.name}</code>
            </li>
          ))}
        </ul>
      ) : null}
      {change.found === "added" ? (
        <SqlText sql={change.after} label={text.changes.diffOf(change.name)} copies />
      ) : (
        <Diff change={change} />
      )}
    </section>
  );
}

function Diff({ change }: { change: Change }) {
  const rows = useMemo(() => folded(diffLines(change.before, change.after)), [change]);
  return (
    <pre className="sql-text migrations-diff" tabIndex={0} role="region" aria-label={text.changes.diffOf(change.name)}>
      <code>
        {rows.map((row, index) =>
          "same" in row ? (
            <span key={index} className="sql-line migrations-same">
              {`⋯ ${text.changes.same(row.same)}\n`}
            </span>
          ) : (
            <span key={index} className={`sql-line migrations-diff-${row.sign === "+" ? "added" : row.sign === "-" ? "removed" : "kept"}`}>
              <span className="migrations-diff-sign" aria-hidden="true">
                {row.sign === "-" ? "−" : row.sign}
              </span>
              {row.sign === " " ? null : (
                <span className="hidden">{row.sign === "+" ? text.changes.added : text.changes.removed} </span>
              )}
              {tokens(row.text).map(coloured)}
              {"\n"}
            </span>
          ),
        )}
      </code>
    </pre>
  );
}

import { type KeyboardEvent, useEffect, useState } from "react";
import { milliseconds, number } from "../../format";
import { Badge, Button, Empty } from "../../parts/basic";
import { copyText } from "../../parts/clipboard";
import { sql } from "../../text/sql";
import type { Outcome, Statement, Trouble } from "./api";
import { asCsv, asJson } from "./copying";
import { Grid } from "./grid";

export function TroubleBox({ title, trouble, children, onShow }: { title: string; trouble: Trouble; children?: string; onShow: (() => void) | null }) {
  return (
    <div className="failure console-failure" role="alert">
      <p className="failure-title">{trouble.message}</p>
      <p className="muted">
        {[title, trouble.line && trouble.column ? sql.at(trouble.line, trouble.column) : "", trouble.code].filter(Boolean).join(" · ")}
      </p>
      {trouble.detail ? <p>{trouble.detail}</p> : null}
      {trouble.hint ? <p>{trouble.hint}</p> : null}
      {children ? <p>{children}</p> : null}
      {onShow ? <Button onClick={onShow}>{sql.goThere}</Button> : null}
    </div>
  );
}

function count(statement: Statement): string {
  if (statement.error) return sql.failed;
  if (statement.columns.length === 0)
    return statement.affected === null ? statement.tag || sql.done : sql.affected(number(statement.affected));
  return statement.more ? sql.moreRows(number(statement.rows.length)) : sql.rowCount(number(statement.rows.length));
}

/** The same in few words, for a tab. */
const brief = (statement: Statement): string =>
  statement.more ? sql.atLeast(number(statement.rows.length)) : count(statement);

function Notices({ of }: { of: Statement["notices"] }) {
  if (of.length === 0) return null;
  return (
    <section aria-label={sql.notices} className="console-notices">
      {of.map((notice, place) => (
        <p key={place}>
          <Badge tone={notice.severity === "WARNING" ? "warn" : "neutral"}>{notice.severity}</Badge> {notice.message}
        </p>
      ))}
    </section>
  );
}

function One({ statement, outcome, onShow }: { statement: Statement; outcome: Outcome; onShow: (place: number) => void }) {
  const copy = (text: string) => void copyText(text, sql.copied(number(statement.rows.length)));
  const { error } = statement;
  const of = outcome.statements.length + outcome.left;
  const after = [
    outcome.statements.length > 1 ? sql.before[outcome.kept] : "",
    outcome.left ? sql.notRun(outcome.left) : "",
  ];
  return (
    <div className="console-one">
      <div className="console-told">
        <span className="console-count">{count(statement)}</span>
        {statement.ms > 0 ? <span className="muted">{milliseconds(statement.ms)}</span> : null}
        <Badge tone={outcome.kept === "committed" ? "good" : outcome.write && outcome.kept === "each" ? "warn" : "neutral"}>
          {outcome.write || error ? sql.kept[outcome.kept] : sql.readOnlyRun}
        </Badge>
        <span className="grow" />
        {statement.rows.length > 0 ? (
          <span className="row">
            <Button onClick={() => copy(asCsv(statement))}>{sql.copyCsv}</Button>
            <Button onClick={() => copy(asJson(statement))}>{sql.copyJson}</Button>
          </span>
        ) : null}
      </div>
      <Notices of={statement.notices} />
      {error ? (
        <TroubleBox
          title={sql.failedAt(statement.number, of)}
          trouble={error}
          onShow={error.place === null ? null : () => onShow(error.place ?? 0)}
        >
          {after.join(" ").trim()}
        </TroubleBox>
      ) : null}
      {!error && statement.columns.length > 0 ? (
        statement.rows.length > 0 ? <Grid key={outcome.id} statement={statement} /> : <Empty title={sql.noRows} />
      ) : null}
      {!error && statement.columns.length === 0 ? <p className="muted console-tag mono">{statement.tag}</p> : null}
    </div>
  );
}

/** What a run gave: a tab for each statement where there are several. */
export function Results({ outcome, onShow }: { outcome: Outcome; onShow: (place: number) => void }) {
  const { statements } = outcome;
  const [chosen, setChosen] = useState(statements.length - 1);
  const shown = statements[chosen];
  useEffect(() => {
    document.getElementById(`console-tab-${chosen}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [chosen]);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.altKey) return;
    event.preventDefault();
    const next = (chosen + step + statements.length) % statements.length;
    setChosen(next);
    document.getElementById(`console-tab-${next}`)?.focus();
  };
  return (
    <>
      {statements.length > 1 ? (
        <div role="tablist" aria-label={sql.results} className="console-tabs" onKeyDown={move}>
          {statements.map((statement, place) => (
            <button
              key={statement.number}
              id={`console-tab-${place}`}
              type="button"
              role="tab"
              aria-selected={place === chosen}
              aria-controls="console-result"
              tabIndex={place === chosen ? 0 : -1}
              className={`console-tab${statement.error ? " console-tab-bad" : ""}`}
              onClick={() => setChosen(place)}
            >
              {sql.statement(statement.number)} <span className="muted">{brief(statement)}</span>
            </button>
          ))}
        </div>
      ) : null}
      <div
        id="console-result"
        className="console-result"
        {...(statements.length > 1 ? { role: "tabpanel", "aria-labelledby": `console-tab-${chosen}` } : {})}
      >
        {shown ? <One key={shown.number} statement={shown} outcome={outcome} onShow={onShow} /> : null}
      </div>
    </>
  );
}

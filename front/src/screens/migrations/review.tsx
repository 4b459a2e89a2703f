import { useAsk } from "../../api";
import { bytes, number } from "../../format";
import { Answer, Badge, Button, Empty, type Tone } from "../../parts/basic";
import { SqlInline, SqlText } from "../../parts/sql-text";
import { migrations as text } from "../../text/migrations";
import { fileOf, type Finding, type Lock, type Measured, type ReviewOf } from "./api";
import { Words } from "../../parts/words";

const TONES: Record<Finding["severity"], Tone> = { danger: "bad", warning: "warn", note: "neutral" };
const said = text.review;

export const PendingReview = () => <Reviewed path="migrations/review" />;
export const ReviewTab = ({ tag }: { tag: string }) => <Reviewed path={`${fileOf(tag)}/review`} />;

function Reviewed({ path }: { path: string }) {
  const asked = useAsk<ReviewOf>(path, { keepPreviousData: false });
  return (
    <Answer of={asked} lines={10}>
      {(review) =>
        review.migrations.length === 0 ? (
          <Empty title={said.nothing}>{said.nothingHint}</Empty>
        ) : (
          <div className="stack migrations-review">
            <div className="row">
              <Badge tone={review.fails ? "bad" : "good"}>{review.fails ? said.fails : said.passes}</Badge>
              <span className="grow" />
              <Button disabled={asked.isValidating} onClick={() => void asked.mutate()}>
                {said.again}
              </Button>
            </div>
            <p className="muted">{said.about}</p>
            {review.notes.map((note) => (
              <p key={note} className="migrations-notes">
                <Words of={note} />
              </p>
            ))}
            {review.migrations.map((each) => (
              <section key={each.tag} className="stack" aria-label={each.file}>
                {review.migrations.length > 1 ? <h2 className="mono">{each.file}</h2> : null}
                {each.findings.length === 0 ? <Empty title={said.clean}>{said.cleanHint}</Empty> : null}
                {each.findings.map((finding, index) => (
                  <Found key={index} finding={finding} />
                ))}
                <Statements all={each.statements} file={each.file} />
              </section>
            ))}
            <Tables of={review} />
          </div>
        )
      }
    </Answer>
  );
}

function Found({ finding }: { finding: Finding }) {
  const concerned = [
    finding.rows === null ? "" : said.rows(number(finding.rows)),
    finding.keys.length ? said.keys(finding.keys.join(", ")) : "",
  ].filter(Boolean);
  return (
    <article className={`panel stack migrations-finding migrations-${finding.severity}`} aria-label={`${finding.rule}: ${finding.object}`}>
      <div className="row">
        <Badge tone={finding.acknowledged === null ? TONES[finding.severity] : "neutral"}>{said.severity[finding.severity]}</Badge>
        <h3 className="mono">{finding.rule}</h3>
        <span className="migrations-object">{finding.object}</span>
        <span className="grow" />
        <span className="muted">{said.at(finding.file, finding.line)}</span>
      </div>
      <p>
        <Words of={finding.message} />
      </p>
      {finding.title ? (
        <p className="muted">
          {said.rule}: {finding.title}.
        </p>
      ) : null}
      {concerned.length ? <p>{concerned.join(", ")}</p> : null}
      {finding.sql ? <SqlText sql={finding.sql} label={said.statement(finding.line, finding.rule, finding.object)} first={finding.line} wraps /> : null}
      {finding.acknowledged === null ? (
        <div className="migrations-safe stack">
          <p>
            <strong>{said.safe}.</strong> <Words of={finding.safe || finding.rule_safe} />
          </p>
          {finding.safe_sql ? <SqlText sql={finding.safe_sql} label={said.safeOf(finding.rule, finding.object)} numbers={false} wraps copies /> : null}
        </div>
      ) : (
        <p>{said.acknowledged(finding.acknowledged)}</p>
      )}
      {finding.also.length ? <p className="muted">{said.squawk(finding.also.join(", "))}</p> : null}
    </article>
  );
}

function Statements({ all, file }: { all: Measured[]; file: string }) {
  if (all.length === 0) return null;
  const { columns } = said;
  const more = (["rewrites", "scans", "writes"] as const).filter((name) => all.some((each) => each[name].length));
  return (
    <div className="stack">
      <h3>{said.measured}</h3>
      <div className="scroll-x" tabIndex={0} role="region" aria-label={`${said.measured}: ${file}`}>
        <table className="plain migrations-statements">
          <thead>
            <tr>
              <th className="number">{columns.line}</th>
              <th>{columns.statement}</th>
              <th>{columns.locks}</th>
              {more.map((name) => (
                <th key={name}>{columns[name]}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {all.map((each) => (
              <tr key={each.statement}>
                <td className="number">{each.line}</td>
                <td className="migrations-statement">
                  <SqlInline sql={firstLine(each.sql)} />
                </td>
                <td>
                  <Locks of={each} />
                </td>
                {more.map((name) => (
                  <td key={name}>{each[name].join(", ")}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Locks({ of }: { of: Measured }) {
  const taken = new Set(of.locks.map((each) => each.table));
  const held = of.held.filter((each) => !taken.has(each.table));
  return (
    <ul className="migrations-locks">
      {of.locks.map((lock) => (
        <LockLine key={lock.table} lock={lock} />
      ))}
      {held.map((lock) => (
        <LockLine key={lock.table} lock={lock} held />
      ))}
      {of.locks.length + held.length === 0 ? <li className="muted">{said.noLock}</li> : null}
      {of.measured ? null : <li className="muted">{said.unmeasured}</li>}
    </ul>
  );
}

function LockLine({ lock, held = false }: { lock: Lock; held?: boolean }) {
  const tone: Tone = lock.blocks === "" ? "neutral" : lock.blocks === "writes" ? "warn" : "bad";
  return (
    <li>
      <code>{lock.table}</code> <Badge tone={tone}>{lock.lock}</Badge>{" "}
      <span className="muted">
        {said.blocks[lock.blocks]}
        {held ? `, ${said.held}` : ""}
      </span>
    </li>
  );
}

function Tables({ of }: { of: ReviewOf }) {
  const tables = Object.entries(of.tables);
  if (tables.length === 0) return null;
  return (
    <section className="stack">
      <h3>{said.tables}</h3>
      <table className="plain migrations-tables">
        <thead>
          <tr>
            <th>{said.table}</th>
            <th className="number">{said.tableRows}</th>
            <th className="number">{said.size}</th>
          </tr>
        </thead>
        <tbody>
          {tables.map(([name, size]) => (
            <tr key={name}>
              <td>
                <code>{name}</code>
              </td>
              <td className="number">{size.rows === null ? said.unknownRows : number(size.rows)}</td>
              <td className="number">{bytes(size.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function firstLine(sql: string): string {
  const [line = "", ...rest] = sql.split("\n");
  return rest.length || line.length > 120 ? `${line.slice(0, 120)} …` : line;
}

import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { ask } from "../../api";
import { ago, compact } from "../../format";
import { useOverview } from "../../overview";
import { Answer, Button, Failure, Loading, told } from "../../parts/basic";
import { overview as text } from "../../text/overview";
import { type Findings, named, pageOf } from "../schema/api";
import { type Glance, type Migrations, useGlance, useMigrations } from "./api";

interface Line {
  tone: "bad" | "warn";
  text: string;
  hint?: string | null;
  to?: string;
}

const SHOWN = 4; // lines of one kind

function ofMigrations({ migrations, error }: Migrations): Line[] {
  if (error) return [{ tone: "warn", text: error.message, hint: error.hint, to: "/migrations" }];
  const pending = migrations.filter((each) => each.state === "pending").length;
  const odd = migrations.filter((each) => each.state !== "pending" && each.state !== "applied");
  return [
    ...odd.map((each): Line => ({ tone: "bad", text: text.oddLine(each.tag, each.words), to: `/migrations/${encodeURIComponent(each.tag)}` })),
    ...(pending ? [{ tone: "warn", text: text.pendingLine(pending), to: "/migrations" } satisfies Line] : []),
  ];
}

function ofDatabase({ invalid, untended, connections, doctor }: Glance): Line[] {
  const lines: Line[] = invalid.slice(0, SHOWN).map(({ schema, table, index }) => ({
    tone: "bad",
    text: text.invalidLine(index, named(schema, table)),
    to: pageOf(schema, table),
  }));
  for (const each of untended.slice(0, SHOWN)) {
    const words = each.analyze ? text.neverAnalyzed : text.neverVacuumed;
    lines.push({ tone: "warn", text: words(named(each.schema, each.table), compact(each.rows)), to: pageOf(each.schema, each.table) });
  }
  const left = Math.max(0, invalid.length - SHOWN) + Math.max(0, untended.length - SHOWN);
  if (left) lines.push({ tone: "warn", text: text.more(left), to: "/schema/findings" });
  if (connections.used > connections.most * 0.8) lines.push({ tone: "bad", text: text.crowded(connections.used, connections.most) });
  const errors = doctor?.findings.filter((each) => each.severity === "error").length ?? 0;
  const warnings = doctor?.findings.filter((each) => each.severity === "warning").length ?? 0;
  if (errors) lines.push({ tone: "bad", text: text.doctorErrors(errors), to: "/schema/findings" });
  if (warnings) lines.push({ tone: "warn", text: text.doctorWarnings(warnings), to: "/schema/findings" });
  return lines;
}

/** What somebody should look at, the gravest first. */
export function Attention() {
  const glance = useGlance();
  const { data: migrations, error: unread } = useMigrations();
  const { data: about } = useOverview();
  return (
    <section className="panel overview-panel overview-first" aria-labelledby="overview-attention">
      <h2 id="overview-attention">{text.attention}</h2>
      <Answer of={{ ...glance, mutate: glance.again }} lines={5}>
        {(found) => {
          const problem: Line[] = about?.problem ? [{ tone: about.preset.length ? "bad" : "warn", text: about.problem, hint: about.hint }] : [];
          const lines = [...problem, ...(migrations ? ofMigrations(migrations) : []), ...ofDatabase(found)];
          if (unread) lines.push({ tone: "warn", text: text.noMigrationsRead, hint: told(unread).message, to: "/migrations" });
          lines.sort((a, b) => Number(a.tone === "warn") - Number(b.tone === "warn"));
          return (
            <>
              {lines.length ? <Lines lines={lines} /> : migrations ? <p className="overview-calm">{text.calm}</p> : <Loading lines={1} />}
              <Doctor report={found.doctor} onLooked={(doctor) => void glance.mutate({ ...found, doctor }, { revalidate: false })} />
            </>
          );
        }}
      </Answer>
    </section>
  );
}

function Lines({ lines }: { lines: Line[] }) {
  return (
    <ul className="overview-lines">
      {lines.map((line) => (
        <li key={line.text} className={`overview-line overview-line-${line.tone}`}>
          {line.to ? <Link href={line.to}>{line.text}</Link> : <span>{line.text}</span>}
          {line.hint ? <p className="muted">{line.hint}</p> : null}
        </li>
      ))}
    </ul>
  );
}

function Doctor({ report, onLooked }: { report: Findings["doctor"]; onLooked: (report: Findings["doctor"]) => void }) {
  const [state, setState] = useState<"" | "running">("");
  const [error, setError] = useState<unknown>(null);
  const run = async (): Promise<void> => {
    setState("running");
    setError(null);
    try {
      onLooked((await ask<Findings>("structure/doctor", { method: "POST" })).doctor);
    } catch (refusal) {
      setError(refusal);
    } finally {
      setState("");
    }
  };
  const said: ReactNode = report ? text.doctorLooked(ago(report.at)) : text.doctorNever;
  return (
    <>
      {error ? <Failure error={error} /> : null}
      <div className="row overview-doctor">
        <span className="muted" role="status">
          {said}
        </span>
        <span className="grow" />
        <Link href="/schema/findings">{text.findings}</Link>
        <Button disabled={state === "running"} onClick={() => void run()}>
          {state === "running" ? text.running : text.run}
        </Button>
      </div>
    </>
  );
}

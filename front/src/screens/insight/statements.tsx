import { useParams } from "../../address";
import { address, useAsk } from "../../api";
import { milliseconds, number, time } from "../../format";
import { Badge, Button, Empty } from "../../parts/basic";
import { insight } from "../../text/insight";
import { Code, Fresh, LongText, Panel } from "./pieces";
import { type Column, SortedTable } from "./sorted";

interface Running {
  pid: number;
  role: string | null;
  application: string | null;
  state: string | null;
  waitsFor: string | null;
  wanted: string | null;
  isClient: boolean;
  runningMs: number | null;
  transactionMs: number | null;
  query: string | null;
  blockedBy: number[];
  isMigrating: boolean;
}

interface Activity {
  running: Running[];
  idle: number;
  connections: number;
  maximum: number;
}

interface Statement {
  id: string;
  query: string | null;
  calls: number;
  totalMs: number;
  meanMs: number;
  longestMs: number;
  rows: number;
  blocksHit: number;
  blocksRead: number;
}

interface Statements {
  state: "ready" | "not_created" | "not_loaded" | "not_there" | "outdated";
  isLoaded: boolean | null;
  version: string | null;
  since: string | null;
  statements: Statement[];
}

const words = insight.statements;
const ORDERS = ["total", "mean", "longest", "calls", "rows", "reads"] as const;

const RUNNING: Column<Running>[] = [
  { key: "pid", title: words.pid, isNumber: true, by: (row) => row.pid, cell: (row) => row.pid },
  {
    key: "who",
    title: words.who,
    by: (row) => row.application ?? row.role,
    cell: (row) => (
      <>
        <div>{row.application ?? row.role ?? words.server}</div>
        {row.application && row.role ? <div className="muted insight-small">{row.role}</div> : null}
        {row.isMigrating ? (
          <Badge tone="warn" title={words.migratingHint}>
            {words.migrating}
          </Badge>
        ) : null}
      </>
    ),
  },
  { key: "state", title: words.state, by: (row) => row.state, cell: (row) => row.state ?? <span className="muted">{words.hidden}</span> },
  {
    key: "since",
    title: words.since,
    isNumber: true,
    by: (row) => row.runningMs,
    cell: (row) => (
      <>
        <div>{row.runningMs === null ? insight.none : milliseconds(Math.max(row.runningMs, 0))}</div>
        {row.transactionMs === null ? null : (
          <div className="muted insight-small">{`${words.transaction} ${milliseconds(Math.max(row.transactionMs, 0))}`}</div>
        )}
      </>
    ),
  },
  {
    key: "waits",
    title: words.waits,
    by: (row) => row.waitsFor,
    cell: (row) => (
      <>
        <div>{row.wanted ?? row.waitsFor ?? insight.none}</div>
        {row.blockedBy.length > 0 ? <Badge tone="bad">{words.blockedBy(row.blockedBy.join(", "))}</Badge> : null}
      </>
    ),
  },
  {
    key: "statement",
    title: words.statement,
    isWide: true,
    cell: (row) => (row.query ? <LongText text={row.query} /> : <span className="muted">{words.hidden}</span>),
  },
];

const cached = (row: Statement): number | null => {
  const pages = row.blocksHit + row.blocksRead;
  return pages === 0 ? null : row.blocksHit / pages;
};

const SLOW: Column<Statement>[] = [
  {
    key: "statement",
    title: words.statement,
    isWide: true,
    cell: (row) => (row.query ? <LongText text={row.query} /> : <span className="muted">{words.hidden}</span>),
  },
  { key: "calls", title: words.calls, isNumber: true, by: (row) => row.calls, cell: (row) => number(row.calls) },
  { key: "total", title: words.total, isNumber: true, by: (row) => row.totalMs, cell: (row) => milliseconds(row.totalMs) },
  { key: "mean", title: words.mean, isNumber: true, by: (row) => row.meanMs, cell: (row) => milliseconds(row.meanMs) },
  { key: "longest", title: words.longest, isNumber: true, by: (row) => row.longestMs, cell: (row) => milliseconds(row.longestMs) },
  { key: "rows", title: words.rows, isNumber: true, by: (row) => row.rows, cell: (row) => number(row.rows) },
  {
    key: "cached",
    title: words.cached,
    isNumber: true,
    by: cached,
    cell: (row) => {
      const share = cached(row);
      return <span title={words.cachedHint}>{share === null ? insight.none : `${(share * 100).toFixed(1)} %`}</span>;
    },
  },
];

function RunningNow() {
  const asked = useAsk<Activity>("figures/running");
  return (
    <Panel
      title={words.running}
      about={asked.data ? words.runningAbout(asked.data.idle, asked.data.connections, asked.data.maximum) : undefined}
      actions={<Button onClick={() => void asked.mutate()}>{insight.refresh}</Button>}
    >
      <Fresh of={asked} lines={3}>
        {(data) =>
          data.running.length === 0 ? (
            <p className="muted">{words.quiet}</p>
          ) : (
            <SortedTable name="running" title={words.running} columns={RUNNING} rows={data.running} keyOf={(row) => String(row.pid)} />
          )
        }
      </Fresh>
    </Panel>
  );
}

function NotCounted({ found }: { found: Statements }) {
  const state = found.state === "ready" ? "not_created" : found.state;
  const hint = words.hints[state === "not_created" && found.isLoaded === false ? "not_both" : state];
  return (
    <Empty title={hint.title}>
      <p>{hint.text}</p>
      {hint.code ? <Code code={hint.code} /> : null}
      {hint.code?.startsWith("ALTER SYSTEM") ? <p>{words.keepOthers}</p> : null}
    </Empty>
  );
}

function Slow() {
  const [params, change] = useParams();
  const by = ORDERS.find((order) => order === params.get("by")) ?? "total";
  const asked = useAsk<Statements>(address("figures/statements", { by }));
  const found = asked.data;
  const isReady = found?.state === "ready";
  return (
    <Panel
      title={words.slow}
      about={isReady ? words.slowAbout(found.version ?? "", found.since ? time(found.since) : null) : undefined}
      actions={
        isReady ? (
          <label className="row">
            {words.order}
            <select value={by} onChange={(event) => change({ by: event.target.value, "sort-slow": null })}>
              {ORDERS.map((order) => (
                <option key={order} value={order}>
                  {words.orders[order]}
                </option>
              ))}
            </select>
          </label>
        ) : undefined
      }
    >
      <Fresh of={asked} lines={6}>
        {(data) =>
          data.state !== "ready" ? (
            <NotCounted found={data} />
          ) : data.statements.length === 0 ? (
            <p className="muted">{words.nothing}</p>
          ) : (
            <SortedTable name="slow" title={words.slow} columns={SLOW} rows={data.statements} keyOf={(row) => row.id} />
          )
        }
      </Fresh>
    </Panel>
  );
}

export function Statements() {
  return (
    <>
      <RunningNow />
      <Slow />
    </>
  );
}

import { useMemo } from "react";
import { address, useAsk } from "../../api";
import { compact, exactTime, milliseconds, number, time } from "../../format";
import { Empty } from "../../parts/basic";
import { buckets, summed } from "../../parts/chart/buckets";
import { Chart } from "../../parts/chart/chart";
import { insight } from "../../text/insight";
import { usePeriod } from "./period";
import { Code, Fresh, Panel, type Tile, Tiles } from "./pieces";
import { type Column, SortedTable } from "./sorted";

interface Counts {
  calls: number;
  hits: number;
  stale: number;
  misses: number;
  failed: number;
  knownFailures: number;
  noResults: number;
  saved: number;
  hitRate: number | null;
  meanMs: number | null;
  maxMs: number;
}

interface Popular {
  query: string | null;
  key: string;
  provider: string;
  locale: string;
  calls: number;
  hits: number;
  noResults: number;
}

type Tier = Counts & { tier: "memory" | "redis" | "postgres" | "fetch" };
type Group = Counts & { userGroup: string };

interface Stats extends Counts {
  tiers: Tier[];
  days: (Counts & { day: string })[];
  groups: Group[];
  queries: Popular[];
  withoutResults: Popular[];
}

interface Expiring {
  within: { within: "expired" | "hour" | "day" | "later"; entries: number }[];
  next: { query: string; provider: string | null; locale: string | null; createdAt: string; expiresAt: string; staleUntil: string | null }[];
  counted: number;
}

const words = insight.cache;
const percent = (rate: number | null): string => (rate === null ? insight.none : `${(rate * 100).toFixed(1)} %`);
const took = (value: number | null): string => (value === null ? insight.none : milliseconds(value));

function tilesOf(stats: Stats): Tile[] {
  return [
    { name: words.hitRate, value: percent(stats.hitRate), about: words.hitRateOf(number(stats.calls)) },
    { name: words.saved, value: compact(stats.saved), about: words.savedAbout },
    { name: words.mean, value: took(stats.meanMs), about: words.max(milliseconds(stats.maxMs)) },
    { name: words.stale, value: number(stats.stale), about: words.staleAbout },
    { name: words.failed, value: number(stats.failed), about: words.known(number(stats.knownFailures)) },
    { name: words.noResults, value: number(stats.noResults) },
  ];
}

function counts<T extends Counts>(): Column<T>[] {
  return [
    { key: "calls", title: words.calls, isNumber: true, by: (row) => row.calls, cell: (row) => number(row.calls) },
    { key: "ratio", title: words.ratio, isNumber: true, by: (row) => row.hitRate, cell: (row) => percent(row.hitRate) },
    { key: "mean", title: words.meanColumn, isNumber: true, by: (row) => row.meanMs, cell: (row) => took(row.meanMs) },
    { key: "max", title: words.maxColumn, isNumber: true, by: (row) => row.maxMs, cell: (row) => took(row.maxMs) },
  ];
}

const TIERS: Column<Tier>[] = [
  { key: "tier", title: words.tier, by: (row) => row.tier, cell: (row) => words.tierNames[row.tier] },
  ...counts<Tier>(),
];
const GROUPS: Column<Group>[] = [
  { key: "group", title: words.userGroup, by: (row) => row.userGroup, cell: (row) => row.userGroup || <span className="muted">{words.noGroup}</span> },
  ...counts<Group>(),
];

function popular(count: (row: Popular) => number): Column<Popular>[] {
  return [
    {
      key: "query",
      title: words.query,
      by: (row) => row.query,
      cell: (row) => (
        <span className="insight-text">
          {row.query ?? (
            <span className="muted">
              {words.keyOnly} <code>{row.key.slice(0, 12)}</code>
            </span>
          )}
        </span>
      ),
    },
    { key: "provider", title: words.provider, by: (row) => row.provider, cell: (row) => `${row.provider}, ${row.locale}` },
    { key: "times", title: words.times, isNumber: true, by: count, cell: (row) => number(count(row)) },
    { key: "ratio", title: words.ratio, isNumber: true, by: (row) => row.hits / row.calls, cell: (row) => percent(row.hits / row.calls) },
  ];
}

const POPULAR = popular((row) => row.calls);
const WITHOUT = popular((row) => row.noResults);

function Days({ stats, since }: { stats: Stats; since: string }) {
  const until = new Date().toISOString().slice(0, 10);
  const made = useMemo(() => buckets(since, until), [since, until]);
  const series = (value: (row: Counts) => number) => summed(made, stats.days.map((each) => [each.day, value(each)] as const));
  return (
    <Panel title={words.byDay}>
      <Chart
        title={words.byDay}
        unit={made.unit}
        buckets={made.all}
        format={number}
        axis={compact}
        series={[
          { label: words.outcomes.hits, tone: "good", values: series((row) => row.hits) },
          { label: words.outcomes.stale, tone: "warn", values: series((row) => row.stale) },
          { label: words.outcomes.misses, tone: "accent", values: series((row) => row.misses) },
          { label: words.outcomes.failed, tone: "bad", values: series((row) => row.failed + row.knownFailures) },
        ]}
      />
    </Panel>
  );
}

function Entries() {
  const asked = useAsk<Expiring>("figures/cache/expiring");
  return (
    <Panel title={words.table}>
      <Fresh of={asked} lines={5}>
        {(data) => (
          <>
            <ul className="insight-spans">
              {data.within.map((each) => (
                <li key={each.within}>
                  <strong className="number">{each.entries >= data.counted ? words.more(data.counted) : number(each.entries)}</strong>{" "}
                  <span className="muted">{words.within[each.within]}</span>
                </li>
              ))}
            </ul>
            <h3>{words.next}</h3>
            {data.next.length === 0 ? (
              <p className="muted">{words.nextNone}</p>
            ) : (
              <div className="scroll-x" role="group" aria-label={words.next} tabIndex={0}>
                <table className="plain">
                  <caption className="hidden">{words.next}</caption>
                  <thead>
                    <tr>
                      {[words.query, words.provider, words.expires, words.staleUntil].map((title) => (
                        <th key={title} scope="col">
                          {title}
                        </th>
                      ))}
                    </tr>
                  </thead>
                  <tbody>
                    {data.next.map((each) => (
                      <tr key={`${each.query} ${each.expiresAt} ${each.provider}`}>
                        <td>
                          <span className="insight-text">{each.query}</span>
                        </td>
                        <td>{[each.provider, each.locale].filter(Boolean).join(", ") || insight.none}</td>
                        <td className="insight-time" title={exactTime(each.expiresAt)}>
                          {time(each.expiresAt)}
                        </td>
                        <td className="insight-time">{each.staleUntil ? time(each.staleUntil) : insight.none}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )}
          </>
        )}
      </Fresh>
    </Panel>
  );
}

const keyOf = (row: Popular): string => `${row.key} ${row.provider} ${row.locale}`;

function Found({ stats, since }: { stats: Stats; since: string }) {
  return (
    <>
      <Tiles tiles={tilesOf(stats)} label={insight.parts.cache} />
      <div className="insight-two">
        <Days stats={stats} since={since} />
        <Panel title={words.tiers}>
          <SortedTable name="tier" title={words.tiers} columns={TIERS} rows={stats.tiers} keyOf={(row) => row.tier} />
        </Panel>
        <Panel title={words.popular}>
          <SortedTable name="popular" title={words.popular} columns={POPULAR} rows={stats.queries} keyOf={keyOf} />
        </Panel>
        {stats.withoutResults.length > 0 ? (
          <Panel title={words.without}>
            <SortedTable name="without" title={words.without} columns={WITHOUT} rows={stats.withoutResults} keyOf={keyOf} />
          </Panel>
        ) : null}
        {stats.groups.some((group) => group.userGroup !== "") ? (
          <Panel title={words.groups}>
            <SortedTable name="group" title={words.groups} columns={GROUPS} rows={stats.groups} keyOf={(row) => row.userGroup} />
          </Panel>
        ) : null}
      </div>
    </>
  );
}

export function Cache() {
  const { params, days } = usePeriod();
  const asked = useAsk<{ since: string; stats: Stats }>(address("figures/cache", params));
  return (
    <>
      <Fresh of={asked}>
        {({ stats, since }) => (
          <>
            {days === null ? <p className="muted">{words.sinceAbout(since)}</p> : null}
            {stats.calls > 0 ? (
              <Found stats={stats} since={since} />
            ) : (
              <div className="panel insight-empty">
                <Empty title={words.empty}>
                  <p>{words.emptyHint}</p>
                  <Code code={words.emptyCode} />
                </Empty>
              </div>
            )}
          </>
        )}
      </Fresh>
      {/* Below what is as high as its figures: shown before them it would be pushed down. */}
      {asked.data || asked.error ? <Entries /> : null}
    </>
  );
}

import { useMemo, useState } from "react";
import { Link } from "wouter";
import { address, useAsk } from "../../api";
import { compact, number } from "../../format";
import { Button, Empty, Loading, Failure } from "../../parts/basic";
import { buckets, summed } from "../../parts/chart/buckets";
import { Chart } from "../../parts/chart/chart";
import { insight } from "../../text/insight";
import { usePeriod } from "./period";
import { Code, type Figure, Fresh, Panel, type Tile, Tiles, TooLate } from "./pieces";
import { type Column, SortedTable } from "./sorted";

interface Counts {
  answers: number;
  promptTokens: number;
  completionTokens: number;
  totalTokens: number;
}

interface Sums extends Counts {
  cost: string | null;
  priced: number;
}

interface DaySums extends Sums {
  day: string;
}

interface ModelSums extends Sums {
  model: string | null;
}

interface UserSums extends Sums {
  userId: string;
  name: string | null;
  email: string | null;
}

interface MetadataSums extends Counts {
  model: string | null;
}

const words = insight.usage;
const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 4 });
const axisMoney = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const costOf = (cost: string | null): string => (cost === null ? insight.none : money.format(Number(cost)));

function useUsage<T>(by: string, isAsked = true) {
  const { params } = usePeriod();
  return useAsk<Figure<T>>(isAsked ? address("figures/usage", { by, ...params }) : null);
}

function tilesOf(sums: Sums): Tile[] {
  const perAnswer = sums.answers > 0 ? sums.totalTokens / sums.answers : 0;
  return [
    { name: words.answers, value: number(sums.answers) },
    {
      name: words.tokens,
      value: compact(sums.totalTokens),
      about: words.ofTokens(compact(sums.promptTokens), compact(sums.completionTokens)),
    },
    { name: words.perAnswer, value: number(Math.round(perAnswer)) },
    {
      name: words.cost,
      value: sums.cost === null ? words.costNone : money.format(Number(sums.cost)),
      about: sums.cost === null ? undefined : sums.priced < sums.answers ? words.costPart(sums.priced, sums.answers) : words.costAbout,
    },
  ];
}

function counts<T extends Counts>(): Column<T>[] {
  return [
    { key: "answers", title: words.answers, isNumber: true, by: (row) => row.answers, cell: (row) => number(row.answers) },
    { key: "prompt", title: words.prompt, isNumber: true, by: (row) => row.promptTokens, cell: (row) => number(row.promptTokens) },
    { key: "completion", title: words.completion, isNumber: true, by: (row) => row.completionTokens, cell: (row) => number(row.completionTokens) },
    { key: "tokens", title: words.tokens, isNumber: true, by: (row) => row.totalTokens, cell: (row) => number(row.totalTokens) },
  ];
}

function numbers<T extends Sums>(): Column<T>[] {
  return [
    ...counts<T>(),
    {
      key: "cost",
      title: words.cost,
      isNumber: true,
      by: (row) => (row.cost === null ? null : Number(row.cost)),
      cell: (row) => (
        <span title={row.cost !== null && row.priced < row.answers ? words.costPart(row.priced, row.answers) : undefined}>{costOf(row.cost)}</span>
      ),
    },
  ];
}

const MODELS: Column<ModelSums>[] = [
  {
    key: "model",
    title: words.model,
    by: (row) => row.model,
    cell: (row) => (row.model === null ? <span className="muted">{words.noModel}</span> : <span className="mono">{row.model}</span>),
  },
  ...numbers<ModelSums>(),
];
const USERS: Column<UserSums>[] = [
  {
    key: "user",
    title: words.user,
    by: (row) => row.name ?? row.email ?? row.userId,
    cell: (row) => <Link href={`/people/${encodeURIComponent(row.userId)}`}>{row.name ?? row.email ?? row.userId}</Link>,
  },
  ...numbers<UserSums>(),
];

function ByDay() {
  const asked = useUsage<DaySums[]>("by_day");
  return (
    <Fresh of={asked} lines={9}>
      {(data) => (data.late ? <Panel title={words.byDay}><TooLate late={data.late} /></Panel> : <DayCharts data={data} />)}
    </Fresh>
  );
}

function DayCharts({ data }: { data: Figure<DaySums[]> }) {
  const rows = data.found ?? [];
  const made = useMemo(() => buckets(data.since, data.until), [data.since, data.until]);
  const series = (value: (row: DaySums) => number) => summed(made, rows.map((row) => [row.day, value(row)] as const));
  const rest = series((row) => row.totalTokens - row.promptTokens - row.completionTokens);
  const hasCost = rows.some((row) => row.cost !== null);
  return (
    <div className="insight-two">
      <Panel title={words.byDay}>
        <Chart
          title={words.byDay}
          unit={made.unit}
          buckets={made.all}
          format={number}
          axis={compact}
          series={[
            { label: words.prompt, tone: "accent", values: series((row) => row.promptTokens) },
            { label: words.completion, tone: "good", values: series((row) => row.completionTokens) },
            ...(rest.some((value) => value > 0) ? [{ label: words.other, tone: "muted" as const, values: rest }] : []),
          ]}
        />
      </Panel>
      {hasCost ? (
        <Panel title={words.costByDay}>
          <Chart
            title={words.costByDay}
            unit={made.unit}
            buckets={made.all}
            format={(value) => money.format(value)}
            axis={(value) => axisMoney.format(value)}
            hasParts
            series={[{ label: words.cost, tone: "warn", values: series((row) => Number(row.cost ?? 0)) }]}
          />
        </Panel>
      ) : null}
    </div>
  );
}

function ByModel() {
  const asked = useUsage<ModelSums[]>("by_model");
  return (
    <Panel title={words.byModel} about={words.mostModels}>
      <Fresh of={asked} lines={4}>
        {(data) =>
          data.late ? <TooLate late={data.late} /> : (
            <SortedTable name="model" title={words.byModel} columns={MODELS} rows={data.found ?? []} keyOf={(row) => row.model ?? ""} />
          )
        }
      </Fresh>
    </Panel>
  );
}

function ByUser() {
  const asked = useUsage<UserSums[]>("by_user");
  return (
    <Panel title={words.byUser} about={words.mostUsers}>
      <Fresh of={asked} lines={4}>
        {(data) =>
          data.late ? <TooLate late={data.late} /> : (
            <SortedTable name="user" title={words.byUser} columns={USERS} rows={data.found ?? []} keyOf={(row) => row.userId} />
          )
        }
      </Fresh>
    </Panel>
  );
}

const METADATA: Column<MetadataSums>[] = [
  { key: "model", title: words.model, by: (row) => row.model, cell: (row) => row.model ?? <span className="muted">{words.noModel}</span> },
  ...counts<MetadataSums>(),
];

function InMetadata() {
  const [isAsked, setAsked] = useState(false);
  const asked = useUsage<MetadataSums[]>("in_metadata", isAsked);
  const data = asked.data;
  return (
    <Panel title={words.metadata} about={words.metadataAbout}>
      {!isAsked ? (
        <div>
          <Button onClick={() => setAsked(true)}>{words.metadataRun}</Button>
        </div>
      ) : asked.error ? (
        <Failure error={asked.error} onRetry={() => void asked.mutate()} />
      ) : !data ? (
        <Loading lines={3} />
      ) : data.late ? (
        <TooLate late={data.late} />
      ) : data.found?.length ? (
        <SortedTable name="metadata" title={words.metadata} columns={METADATA} rows={data.found} keyOf={(row) => row.model ?? ""} />
      ) : (
        <p role="status">{words.metadataNone}</p>
      )}
    </Panel>
  );
}

export function Usage() {
  const asked = useUsage<Sums>("totals");
  return (
    <Fresh of={asked}>
      {(data) => {
        if (data.late) return <Panel title={words.tokens}><TooLate late={data.late} /></Panel>;
        const sums = data.found;
        return (
          <>
            {sums && sums.answers > 0 ? (
              <>
                <Tiles tiles={tilesOf(sums)} label={insight.parts.usage} />
                <ByDay />
                <div className="insight-two insight-wide">
                  <ByModel />
                  <ByUser />
                </div>
              </>
            ) : (
              <div className="panel insight-empty">
                <Empty title={words.empty}>
                  <p>{words.emptyHint}</p>
                  <Code code={words.emptyCode} />
                </Empty>
              </div>
            )}
            <InMetadata />
          </>
        );
      }}
    </Fresh>
  );
}

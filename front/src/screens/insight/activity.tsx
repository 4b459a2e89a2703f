import { useMemo, useState } from "react";
import { address, useAsk } from "../../api";
import { compact, number } from "../../format";
import { Badge, Button, Empty } from "../../parts/basic";
import { buckets, summed } from "../../parts/chart/buckets";
import { Chart, type ChartTone, type Series } from "../../parts/chart/chart";
import { insight } from "../../text/insight";
import { usePeriod } from "./period";
import { type Figure, Fresh, Panel, TooLate } from "./pieces";

type What = "messages" | "active" | "chats" | "users";

interface DayCount {
  day: string;
  count: number;
  role: string | null;
}

interface Days {
  days: DayCount[];
  share: number | null;
}

const words = insight.activity;
const ROLES = ["user", "assistant", "system", "tool"] as const;
const TONES: Record<(typeof ROLES)[number], ChartTone> = { user: "accent", assistant: "good", system: "muted", tool: "warn" };

function seriesOf(what: What, days: DayCount[], made: ReturnType<typeof buckets>): Series[] {
  if (what === "messages") {
    return ROLES.map((role) => ({
      label: words.roles[role],
      tone: TONES[role],
      values: summed(made, days.filter((each) => each.role === role).map((each) => [each.day, each.count] as const)),
    })).filter((each) => each.values.some((value) => value > 0));
  }
  if (what === "active") {
    // Who wrote on two days is one person: of several days the highest counts, not the sum.
    const values = made.all.map(() => 0);
    for (const each of days) {
      const place = made.placeOf(each.day);
      if (place >= 0) values[place] = Math.max(values[place] ?? 0, each.count);
    }
    return [{ label: words.count.active, tone: "accent", values }];
  }
  return [{ label: words.count[what], tone: "accent", values: summed(made, days.map((each) => [each.day, each.count] as const)) }];
}

function Days({ what, data }: { what: What; data: Figure<Days> }) {
  const made = useMemo(() => buckets(data.since, data.until), [data.since, data.until]);
  const days = data.found?.days ?? [];
  if (days.length === 0) return <Empty title={words.empty}>{words.emptyHint}</Empty>;
  const byDay = new Map<string, number>();
  for (const each of days) byDay.set(each.day, (byDay.get(each.day) ?? 0) + each.count);
  const busiest = Math.max(...byDay.values());
  const total = what === "active" ? busiest : [...byDay.values()].reduce((all, each) => all + each, 0);
  return (
    <>
      <p className="insight-sum">
        <span className="insight-number">{number(total)}</span> <span className="muted">{words.total[what]}</span>
        {what === "active" ? null : <span className="muted insight-small">{words.busiest(number(busiest))}</span>}
      </p>
      <Chart title={words[what]} unit={made.unit} buckets={made.all} series={seriesOf(what, days, made)} format={number} axis={compact} />
    </>
  );
}

function One({ what }: { what: What }) {
  const { params } = usePeriod();
  const [isSample, setSample] = useState(false);
  const asked = useAsk<Figure<Days>>(address("figures/activity", { what, ...params, sample: isSample ? 1 : null }));
  const share = asked.data?.found?.share ?? null;
  return (
    <Panel
      title={words[what]}
      about={what === "active" ? words.activeAbout : undefined}
      actions={
        isSample ? (
          <>
            {share !== null && share < 1 ? <Badge tone="warn">{insight.estimated(share)}</Badge> : null}
            <Button onClick={() => setSample(false)}>{insight.exact}</Button>
          </>
        ) : undefined
      }
    >
      <Fresh of={asked} lines={9}>
        {(data) =>
          data.late ? (
            <TooLate late={data.late} onSample={what === "active" ? undefined : () => setSample(true)} />
          ) : (
            <Days what={what} data={data} />
          )
        }
      </Fresh>
    </Panel>
  );
}

export function Activity({ has }: { has: string[] }) {
  const shown: What[] = (["messages", "active", "chats", "users"] as const).filter((what) => has.includes(what === "active" ? "messages" : what));
  return (
    <div className="insight-two">
      {shown.map((what) => (
        <One key={what} what={what} />
      ))}
    </div>
  );
}

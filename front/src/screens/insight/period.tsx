import { useState } from "react";
import { useParams } from "../../address";
import { insight } from "../../text/insight";

export const LENGTHS = [7, 30, 90] as const;
const DEFAULT = 30;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

export interface Period {
  /** As the API takes it. */
  params: { days?: number; since?: string; until?: string };
  days: number | null;
}

/** The period that the address names: a number of days until today, or two dates. */
export function usePeriod(): Period {
  const [params] = useParams();
  const since = params.get("since");
  const until = params.get("until");
  if (since && until && DATE.test(since) && DATE.test(until)) return { params: { since, until }, days: null };
  const days = Number(params.get("days"));
  const known = Number.isInteger(days) && days > 0 && days <= 3660 ? days : DEFAULT;
  return { params: { days: known }, days: known };
}

const today = (offset = 0): string => new Date(Date.now() - offset * 86_400_000).toISOString().slice(0, 10);
const words = insight.period;

/** Chooses 7, 30 or 90 days, or two dates; the choice stands in the address. */
export function PeriodChooser() {
  const [, change] = useParams();
  const { params, days } = usePeriod();
  const isCustom = days === null;
  const [dates, setDates] = useState({ since: params.since ?? today(29), until: params.until ?? today() });
  const choose = (next: typeof dates) => {
    setDates(next);
    if (DATE.test(next.since) && DATE.test(next.until) && next.since <= next.until) {
      change({ ...next, days: null });
    }
  };
  return (
    <div className="insight-period" role="group" aria-label={words.label} title={words.utc}>
      <div className="insight-segments">
        {LENGTHS.map((length) => (
          <button
            key={length}
            type="button"
            className="insight-segment"
            aria-pressed={days === length}
            onClick={() => change({ days: String(length), since: null, until: null })}
          >
            {words.days(length)}
          </button>
        ))}
        <button type="button" className="insight-segment" aria-pressed={isCustom} onClick={() => choose(dates)}>
          {words.custom}
        </button>
      </div>
      {isCustom ? (
        <div className="row">
          <label className="insight-date">
            {words.since}
            <input
              type="date"
              value={params.since ?? dates.since}
              max={params.until}
              onChange={(event) => choose({ since: event.target.value, until: params.until ?? dates.until })}
            />
          </label>
          <label className="insight-date">
            {words.until}
            <input
              type="date"
              value={params.until ?? dates.until}
              min={params.since}
              onChange={(event) => choose({ since: params.since ?? dates.since, until: event.target.value })}
            />
          </label>
        </div>
      ) : null}
    </div>
  );
}

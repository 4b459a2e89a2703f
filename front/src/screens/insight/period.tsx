import { useEffect, useState } from "react";
import { useParams } from "../../address";
import { Day, isDay } from "../../parts/day";
import { insight } from "../../text/insight";

export const LENGTHS = [7, 30, 90] as const;
const DEFAULT = 30;

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
  if (since && until && isDay(since) && isDay(until)) return { params: { since, until }, days: null };
  const days = Number(params.get("days"));
  const known = Number.isInteger(days) && days > 0 && days <= 3660 ? days : DEFAULT;
  return { params: { days: known }, days: known };
}

const today = (offset = 0): string => new Date(Date.now() - offset * 86_400_000).toISOString().slice(0, 10);
const words = insight.period;

interface Days {
  since: string;
  until: string;
}

const isPeriod = ({ since, until }: Days): boolean => isDay(since) && isDay(until) && since <= until;

/** Chooses 7, 30 or 90 days, or two dates; the choice stands in the address. */
export function PeriodChooser() {
  const [, change] = useParams();
  const { params, days } = usePeriod();
  const isCustom = days === null;
  const { since, until } = params;
  // Two days that are no period, the last before the first, are in no address.
  const [draft, setDraft] = useState<Days | null>(null);
  useEffect(() => setDraft(null), [since, until]);
  const dates = draft ?? { since: since ?? today(29), until: until ?? today() };
  const choose = (next: Days) => {
    setDraft(isPeriod(next) ? null : next);
    // The way back leads out of the two days, not through each that was tried.
    if (isPeriod(next)) change({ ...next, days: null }, isCustom ? "replace" : "push");
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
          <Day className="insight-date" label={words.since} value={dates.since} isWrong={!isPeriod(dates)} onChange={(since) => choose({ ...dates, since })} />
          <Day className="insight-date" label={words.until} value={dates.until} isWrong={!isPeriod(dates)} onChange={(until) => choose({ ...dates, until })} />
        </div>
      ) : null}
    </div>
  );
}

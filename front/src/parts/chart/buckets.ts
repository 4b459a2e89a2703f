/** Days, weeks (from Monday) or months: so that no more bars stand beside each other than can be told apart. */
export type Unit = "day" | "week" | "month";

export interface Bucket {
  /** Its first day within the period, as in 2026-11-21. */
  from: string;
  /** Its last day within the period. */
  to: string;
}

const DAY = 86_400_000;
const at = (day: string): number => Date.parse(`${day}T00:00:00Z`);
const text = (time: number): string => new Date(time).toISOString().slice(0, 10);

export function unitOf(days: number): Unit {
  return days <= 120 ? "day" : days <= 750 ? "week" : "month";
}

function startOf(day: string, unit: Unit): string {
  if (unit === "month") return `${day.slice(0, 7)}-01`;
  if (unit === "day") return day;
  const weekday = (new Date(at(day)).getUTCDay() + 6) % 7;
  return text(at(day) - weekday * DAY);
}

/** Every bucket from one day to another, and the number of the one that a day is in. */
export function buckets(since: string, until: string): { unit: Unit; all: Bucket[]; placeOf: (day: string) => number } {
  const unit = unitOf((at(until) - at(since)) / DAY + 1);
  const all: Bucket[] = [];
  const places = new Map<string, number>();
  for (let time = at(since); time <= at(until); time += DAY) {
    const day = text(time);
    const start = startOf(day, unit);
    const last = all[all.length - 1];
    if (places.has(start) && last) last.to = day;
    else {
      places.set(start, all.length);
      all.push({ from: day, to: day });
    }
  }
  return { unit, all, placeOf: (day) => places.get(startOf(day, unit)) ?? -1 };
}

/** Sum values of days into their buckets; what lies outside is left out. */
export function summed(
  { all, placeOf }: ReturnType<typeof buckets>,
  values: Iterable<readonly [day: string, value: number]>,
): number[] {
  const sums = all.map(() => 0);
  for (const [day, value] of values) {
    const place = placeOf(day);
    if (place >= 0) sums[place] = (sums[place] ?? 0) + value;
  }
  return sums;
}

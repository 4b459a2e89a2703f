/** A plan of PostgreSQL as steps that can be read. */
export interface Step {
  kind: string;
  on: string | null;
  index: string | null;
  whole: boolean;
  conditions: [kind: string, text: string][];
  expected: number;
  actual: number | null;
  loops: number;
  /** How often more (above 1) or fewer (below 1) rows came than were expected; null where it did not run. */
  off: number | null;
  /** Milliseconds of its own, or its own cost where nothing ran. */
  own: number;
  share: number;
  removed: number;
  read: number;
  hit: number;
  spilled: number;
  children: Step[];
}

export interface Plan {
  measured: boolean;
  root: Step;
  planning: number;
  execution: number;
}

type Raw = Record<string, unknown>;
const BLOCK = 8192;
const CONDITIONS = [
  "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter", "One-Time Filter",
  "Sort Key", "Presorted Key", "Group Key",
];
const amount = (raw: Raw, name: string): number => (typeof raw[name] === "number" ? raw[name] : 0);
const word = (raw: Raw, name: string): string | null => (typeof raw[name] === "string" ? raw[name] : null);
const below = (raw: Raw): Raw[] => (Array.isArray(raw["Plans"]) ? (raw["Plans"] as Raw[]) : []);

/** Time of a step over all its rounds; that of parallel workers passes at once. */
function total(raw: Raw, workers: number): number {
  return (amount(raw, "Actual Total Time") * amount(raw, "Actual Loops")) / workers;
}

interface Around {
  measured: boolean;
  workers: number;
  whole: number;
  /** Whether a step above stops early: fewer rows than expected say nothing then. */
  stopped: boolean;
}

function step(raw: Raw, { measured, workers, whole, stopped }: Around): Step {
  const isGather = raw["Node Type"] === "Gather" || raw["Node Type"] === "Gather Merge";
  const inside = isGather ? amount(raw, "Workers Launched") + 1 : workers;
  const plans = below(raw);
  const size = (each: Raw, by: number) => (measured ? total(each, by) : amount(each, "Total Cost"));
  const own = Math.max(0, size(raw, workers) - plans.reduce((sum, each) => sum + size(each, inside), 0));
  const loops = amount(raw, "Actual Loops");
  const expected = amount(raw, "Plan Rows");
  const actual = measured && loops > 0 ? amount(raw, "Actual Rows") : null;
  const io = (name: string) => Math.max(0, amount(raw, name) - plans.reduce((sum, each) => sum + amount(each, name), 0));
  const table = word(raw, "Relation Name") ?? word(raw, "Function Name") ?? word(raw, "CTE Name");
  const alias = word(raw, "Alias");
  const node = word(raw, "Node Type") ?? "";
  return {
    kind: node,
    on: table && alias && alias !== table ? `${table} ${alias}` : (table ?? (node === "Subquery Scan" ? alias : null)),
    index: word(raw, "Index Name"),
    whole: node === "Seq Scan",
    conditions: CONDITIONS.flatMap((kind): [string, string][] => {
      const value = raw[kind];
      return value === undefined ? [] : [[kind, Array.isArray(value) ? value.join(", ") : String(value)]];
    }),
    expected,
    actual,
    loops,
    off: actual === null || (stopped && actual < expected) ? null : Math.max(actual, 1) / Math.max(expected, 1),
    own,
    share: whole > 0 ? Math.min(1, own / whole) : 0,
    removed: (amount(raw, "Rows Removed by Filter") + amount(raw, "Rows Removed by Join Filter")) * Math.max(1, loops),
    read: io("Shared Read Blocks") * BLOCK,
    hit: io("Shared Hit Blocks") * BLOCK,
    spilled:
      io("Temp Written Blocks") * BLOCK ||
      (raw["Sort Space Type"] === "Disk" ? amount(raw, "Sort Space Used") * 1024 : 0),
    children: plans.map((each) => step(each, { measured, workers: inside, whole, stopped: stopped || node === "Limit" })),
  };
}

export function planOf(told: Raw): Plan | null {
  const raw = told["Plan"] as Raw | undefined;
  if (!raw) return null;
  const measured = raw["Actual Loops"] !== undefined;
  const whole = measured ? total(raw, 1) : amount(raw, "Total Cost");
  return {
    measured,
    root: step(raw, { measured, workers: 1, whole, stopped: false }),
    planning: amount(told, "Planning Time"),
    execution: amount(told, "Execution Time"),
  };
}

export const every = (root: Step): Step[] => [root, ...root.children.flatMap(every)];

/** Whether the estimate was more than ten times off, where that says something. */
export const isOff = ({ off, actual, expected }: Step): boolean =>
  off !== null && (off > 10 || off < 0.1) && Math.max(actual ?? 0, expected) >= 100;

import { describe, expect, it } from "vitest";
import type { Statement } from "./api";
import { asCsv, asJson } from "./copying";
import { every, isOff, planOf } from "./plan";

const scan = {
  "Node Type": "Seq Scan", "Relation Name": "message", Alias: "m", "Total Cost": 80, "Plan Rows": 10,
  "Actual Rows": 500, "Actual Loops": 1, "Actual Total Time": 6, "Rows Removed by Filter": 9000, Filter: "(a > 1)",
  "Shared Read Blocks": 4, "Shared Hit Blocks": 1,
};
const sort = {
  "Node Type": "Sort", "Total Cost": 100, "Plan Rows": 10, "Actual Rows": 500, "Actual Loops": 1,
  "Actual Total Time": 10, "Sort Key": ["a", "b DESC"], "Shared Read Blocks": 4, "Shared Hit Blocks": 1, Plans: [scan],
};

describe("a plan", () => {
  it("gives each step what is its own", () => {
    const plan = planOf({ Plan: sort, "Planning Time": 1, "Execution Time": 11 });
    const [root, child] = every(plan!.root);
    expect([root!.own, root!.share, child!.own, child!.share]).toEqual([4, 0.4, 6, 0.6]);
    expect([root!.read, child!.read]).toEqual([0, 4 * 8192]);
    expect(root!.conditions).toEqual([["Sort Key", "a, b DESC"]]);
    expect([child!.on, child!.removed, child!.whole]).toEqual(["message m", 9000, true]);
    expect([isOff(root!), isOff(child!)]).toEqual([true, true]);
  });
  it("counts parallel workers at once", () => {
    const parallel = { ...scan, "Actual Loops": 3, "Actual Total Time": 8 };
    const gather = { ...sort, "Node Type": "Gather", "Workers Launched": 2, "Actual Total Time": 9, Plans: [parallel] };
    const [root, child] = every(planOf({ Plan: gather })!.root);
    expect([root!.own, child!.own]).toEqual([1, 8]);
  });
  it("says nothing against a step that was stopped early", () => {
    const stopped = { ...scan, "Plan Rows": 100000, "Actual Rows": 5 };
    const limit = { ...sort, "Node Type": "Limit", "Plan Rows": 5, "Actual Rows": 5, Plans: [stopped] };
    expect(every(planOf({ Plan: limit })!.root).some(isOff)).toBe(false);
  });
  it("takes the cost where nothing ran", () => {
    const plan = planOf({ Plan: { "Node Type": "Result", "Total Cost": 2, "Plan Rows": 1 } });
    expect([plan!.measured, plan!.root.own, plan!.root.actual, plan!.root.off]).toEqual([false, 2, null, null]);
    expect(planOf({})).toBeNull();
  });
});

describe("copied rows", () => {
  const statement = {
    columns: [
      { name: "n", type: "integer", masked: false },
      { name: "big", type: "bigint", masked: false },
      { name: "n", type: "jsonb", masked: false },
      { name: "t", type: "text", masked: false },
    ],
    rows: [["1", "9007199254740993", '{"a": 1}', 'say "hi",\n'], ["2", null, null, ""]],
  } as unknown as Statement;
  it("are CSV that tells NULL from an empty text", () => {
    expect(asCsv(statement)).toBe('n,big,n,t\r\n1,9007199254740993,"{""a"": 1}","say ""hi"",\n"\r\n2,,,""');
  });
  it("are JSON that loses no digits and no column", () => {
    expect(JSON.parse(asJson(statement))).toEqual([
      { n: 1, big: "9007199254740993", n_2: { a: 1 }, t: 'say "hi",\n' },
      { n: 2, big: null, n_2: null, t: "" },
    ]);
  });
});

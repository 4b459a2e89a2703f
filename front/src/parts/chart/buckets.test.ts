import { expect, test } from "vitest";
import { buckets, summed, unitOf } from "./buckets";

test("each day of a short period is a bucket of its own", () => {
  const { unit, all, placeOf } = buckets("2026-02-27", "2026-03-02");
  expect(unit).toBe("day");
  expect(all.map((each) => each.from)).toEqual(["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);
  expect(placeOf("2026-03-01")).toBe(2);
  expect(placeOf("2026-03-03")).toBe(-1);
});

test("weeks begin on Monday, and the first and last may be cut", () => {
  const { unit, all } = buckets("2026-01-01", "2026-06-30");
  expect(unit).toBe("week");
  expect(all[0]).toEqual({ from: "2026-01-01", to: "2026-01-04" });
  expect(all[1]).toEqual({ from: "2026-01-05", to: "2026-01-11" });
  expect(all[all.length - 1]).toEqual({ from: "2026-06-29", to: "2026-06-30" });
});

test("ten years are months, and every day is in one of them", () => {
  const made = buckets("2016-11-24", "2026-11-21");
  expect(unitOf(3650)).toBe("month");
  expect(made.all.length).toBe(121);
  expect(summed(made, [["2016-11-24", 1], ["2016-11-30", 2], ["2026-11-21", 4], ["1999-01-01", 8]])).toSatisfy(
    (sums: number[]) => sums[0] === 3 && sums[120] === 4 && sums.reduce((a, b) => a + b) === 7,
  );
});

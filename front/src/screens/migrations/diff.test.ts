import { expect, test } from "vitest";
import { diffLines, folded } from "./diff";

const told = (before: string, after: string) => diffLines(before, after).map(({ sign, text }) => sign + text);

test("lines that stay are told once, between those that go and come", () => {
  expect(told("a\nb\nc\nd\n", "a\nx\nc\ny\nd\n")).toEqual([" a", "-b", "+x", " c", "+y", " d"]);
});

test("all is added to nothing, and nothing stays of all", () => {
  expect(told("", "a\nb\n")).toEqual(["+a", "+b"]);
  expect(told("a\nb\n", "")).toEqual(["-a", "-b"]);
});

test("a comma at the end is no change", () => {
  expect(told("(\na int,\nb int\n)", "(\na int,\nb int,\nc int\n)")).toEqual([" (", " a int,", " b int,", "+c int", " )"]);
});

test("lines far from a change are folded", () => {
  const many = Array.from({ length: 20 }, (_, index) => `line ${index}`).join("\n");
  const rows = folded(diffLines(many, many.replace("line 10", "other")));
  expect(rows[0]).toEqual({ same: 7 });
  expect(rows.at(-1)).toEqual({ same: 6 });
  expect(rows).toHaveLength(10);
});

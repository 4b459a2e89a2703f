import { expect, test } from "vitest";
import type { Column, Table } from "./api";
import { pathOf, pathText } from "./operators";
import { changesOf, rebased, stagingOf } from "./staged";
import { idOf, type Line, sortedBy } from "./values";

const table = { schema: "public", name: "notes" } as Table;
const title = { name: "title", category: "text" } as Column;
const line = (id: string, was: string | null): Line => ({ key: [id], id: idOf([id]), cells: new Map([["title", was]]) });
const changes = (name: string) => changesOf(table, stagingOf(name).entries);

test("what is set back to what was seen is no change", () => {
  const one = line("1", "old");
  stagingOf("a").update(one, title, "new", "old");
  expect(changes("a")).toEqual([
    { kind: "update", schema: "public", table: "notes", key: ["1"], set: { title: "new" }, old: { title: "old" } },
  ]);
  stagingOf("a").update(one, title, "old", "old");
  expect(changes("a")).toEqual([]);
});

test("every step is undone and redone, and another table knows nothing of it", () => {
  stagingOf("b").update(line("1", null), title, "new", null);
  stagingOf("b").insert(new Map([["title", "added"]]));
  stagingOf("b").remove([line("2", "gone")]);
  expect(changes("b").map(({ kind }) => kind)).toEqual(["update", "insert", "delete"]);
  stagingOf("b").undo();
  stagingOf("b").undo();
  expect(changes("b").map(({ kind }) => kind)).toEqual(["update"]);
  stagingOf("b").redo();
  expect(changes("b").map(({ kind }) => kind)).toEqual(["update", "insert"]);
  expect(changes("c")).toEqual([]);
});

test("a row that is to be deleted is not changed before", () => {
  stagingOf("d").update(line("1", "old"), title, "new", "old");
  stagingOf("d").remove([line("1", "old"), line("1", "old")]);
  expect(changes("d")).toEqual([{ kind: "delete", schema: "public", table: "notes", key: ["1"], old: { title: "old" } }]);
});

test("a column by any name travels, and a secret is changed without what it was", () => {
  const odd = { ...title, name: "__proto__" };
  stagingOf("e").update({ ...line("1", null), cells: new Map([["__proto__", { secret: true }]]) }, odd, "new", undefined);
  expect(JSON.stringify(changes("e"))).toContain('"set":{"__proto__":"new"},"old":{}');
});

test("after a clash one's own changes stand over what is there now, or go", () => {
  stagingOf("f").update(line("1", "old"), title, "mine", "old");
  stagingOf("f").update(line("2", "kept"), title, "mine too", "kept");
  const { entries } = stagingOf("f");
  const clash = { id: idOf(["1"]), key: "1", column: "title", was: "old", now: "theirs", yours: "mine" };
  expect(changesOf(table, rebased(entries, [clash], "mine"))[0]).toMatchObject({ set: { title: "mine" }, old: { title: "theirs" } });
  expect(changesOf(table, rebased(entries, [clash], "theirs")).length).toBe(1);
  expect(rebased(entries, [{ ...clash, column: null }], "mine").length).toBe(1);
});

test("a click sorts, rising, falling, not; with shift beside the others", () => {
  expect(sortedBy([], "a", false)).toEqual([["a", "asc"]]);
  expect(sortedBy([["a", "asc"]], "a", false)).toEqual([["a", "desc"]]);
  expect(sortedBy([["a", "desc"]], "a", false)).toEqual([]);
  expect(sortedBy([["a", "desc"]], "b", true)).toEqual([["a", "desc"], ["b", "asc"]]);
  expect(sortedBy([["a", "desc"], ["b", "asc"]], "a", true)).toEqual([["b", "asc"]]);
});

test.each([
  ["tokens.total", ["tokens", "total"]],
  ["0.title", ["0", "title"]],
  ['"a.b".c', ["a.b", "c"]],
  ["", []],
])("the path %s", (typed, path) => {
  expect(pathOf(typed)).toEqual(path);
  expect(pathText(path)).toBe(typed);
});

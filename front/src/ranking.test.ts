import { expect, test } from "vitest";
import type { Command } from "./commands";
import { LOOKUPS, match } from "./ranking";

const command = (title: string, more: Partial<Command> = {}): Command => ({ id: title, title, group: "Go to", run: () => {}, ...more });
const table = (title: string): Command => command(title, { group: "Table", isTable: true });

test("letters inside of words find no table", () => {
  expect(match(table("search_days"), "ada")).toBeNull();
  expect(match(table("chatkeep.migrations"), "alan")).toBeNull();
});

test("letters that begin words, or are near, find one behind the lookups", () => {
  expect(match(table("search_days"), "sd")).toBeGreaterThan(LOOKUPS);
  expect(match(table("template_message"), "tmsg")).toBeGreaterThan(LOOKUPS);
});

test("a screen is found by its letters before the lookups", () => {
  expect(match(command("Migrations"), "mgr")).toBeLessThan(LOOKUPS);
  expect(match(command("Keyboard shortcuts"), "ks")).toBeLessThan(LOOKUPS);
});

test("what begins a word goes before what stands inside of one", () => {
  const titles = ["remessage", "template_message", "message"];
  const sorted = titles.toSorted((a, b) => (match(table(a), "message") ?? 99) - (match(table(b), "message") ?? 99));
  expect(sorted).toEqual(["message", "template_message", "remessage"]);
  expect(match(table("remessage"), "message")).toBeLessThan(LOOKUPS);
});

test("other words for it find a command", () => {
  expect(match(command("Change the theme", { words: "dark light" }), "light")).toBeLessThan(LOOKUPS);
  expect(match(command("Change the theme", { words: "dark light" }), "bright")).toBeNull();
});

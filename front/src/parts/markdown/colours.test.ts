import { expect, test } from "vitest";
import { coloured } from "./colours";

test.each([
  ["python", 'for x in f"a # b":  # why\n    return 0x1f + 1_000.5\n"""open'],
  ["ts", "const a = `x ${y}`; // no\n/* two\nlines */ if (a !== 'it\\'s') {}\nconst π = \"é🚀"],
  ["json", '{"open": 12, "all": null, "text": "// none"}'],
  ["SQL", "select '--' from t -- yes\nwhere a = $1"],
])("the pieces of %s are its text", (language, code) => {
  const found = coloured(code, language);
  expect(found?.map((piece) => piece.text).join("")).toBe(code);
  expect(new Set(found?.map((piece) => piece.tone)).size).toBeGreaterThan(2);
});

test("what is not known or too long has no colours", () => {
  expect(coloured("a b", "klingon")).toBeNull();
  expect(coloured("a ".repeat(40_000), "python")).toBeNull();
});

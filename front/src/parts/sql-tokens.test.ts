import { expect, test } from "vitest";
import { linesOf, tokens } from "./sql-tokens";

const tones = (sql: string) =>
  tokens(sql)
    .filter((token) => token.tone !== "plain")
    .map((token) => `${token.tone} ${token.text}`);

test.each([
  "create /* a /* b */ c */ table \"x\"\"y\" (id int4 default 1.5e3);",
  "select E'it\\'s', U&'\\0441', B'01', $1 -- end",
  "do $a$begin\n select 'x''y'; end$a$",
  "unterminated 'abc",
  "open /* comment",
  "open $$ body",
  "ünïcode \"nämé\" €\u{1f600}",
  "",
])("no character is lost: %s", (sql) => {
  expect(
    tokens(sql)
      .map((token) => token.text)
      .join(""),
  ).toBe(sql);
});

test("words in comments, names and strings are no keywords", () => {
  expect(tones('-- drop table\n"table" \'select\' /* a /* b */ from */ drop')).toEqual([
    "comment -- drop table",
    'name "table"',
    "string 'select'",
    "comment /* a /* b */ from */",
    "keyword drop",
  ]);
});

test("the body of a function is coloured as SQL", () => {
  expect(tones("$f$ select 'a' $f$ $1")).toEqual(["string $f$", "keyword select", "string 'a'", "string $f$", "number $1"]);
});

test("a comment of two lines is two pieces", () => {
  expect(linesOf("a /* b\nc */ d").map((line) => line.map((token) => token.text))).toEqual([
    ["a", " ", "/* b"],
    ["c */", " ", "d"],
  ]);
});

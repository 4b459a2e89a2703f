import { expect, test } from "vitest";
import { type Page, RowWindow } from "./window";

const SIZE = 10;

/** A server with numbered rows; what it was asked stands in `asked`. */
function server(rows: number[]) {
  const asked: (string | null)[] = [];
  const load = async (after: string | null): Promise<Page<number>> => {
    asked.push(after);
    const rest = after === null ? rows : rows.filter((row) => row > Number(after));
    const page = rest.slice(0, SIZE);
    return { rows: page, next: rest.length > SIZE ? String(page.at(-1)) : null };
  };
  return { asked, load };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
const settled = () => new Promise((done) => setTimeout(done));

async function scrolled(rows: RowWindow<number>, to: number): Promise<void> {
  for (let last = 0; last <= to; last += SIZE / 2) {
    rows.want(last - SIZE, last);
    await settled();
  }
}

test("pages come one after the other, and the last one tells that it is the last", async () => {
  const rows = new RowWindow(server(numbers(35)).load);
  rows.want(0, 5);
  await settled();
  expect([rows.count, rows.isWhole]).toEqual([10, false]);
  await scrolled(rows, 40);
  expect([rows.count, rows.isWhole, rows.row(34), rows.row(35)]).toEqual([35, true, 34, undefined]);
});

test("far pages are let go and come back by where they begin", async () => {
  const { asked, load } = server(numbers(500));
  const rows = new RowWindow(load);
  await scrolled(rows, 499);
  expect(rows.held.length).toBeLessThanOrEqual(12 * SIZE);
  expect(rows.row(0)).toBeUndefined();
  expect(rows.count).toBe(500);
  const before = asked.length;
  rows.want(0, 5);
  await settled();
  expect(rows.row(0)).toBe(0);
  expect(asked.slice(before)).toEqual([null]);
  expect(rows.count).toBe(500);
});

test("rows that went meanwhile shift the pages behind them, which are counted anew", async () => {
  const all = numbers(40);
  const rows = new RowWindow(server(all).load);
  await scrolled(rows, 39);
  all.splice(3, 2);
  rows.want(0, 5);
  await rows.refresh();
  expect(rows.held).toEqual([0, 1, 2, 5, 6, 7, 8, 9, 10, 11]);
  await scrolled(rows, 39);
  expect([rows.count, rows.isWhole]).toEqual([38, true]);
  expect(numbers(38).map((at) => rows.row(at)).filter((row) => row === undefined).length).toBe(0);
});

test("an error stops the asking until somebody tries again", async () => {
  let isAway = true;
  const { asked, load } = server(numbers(5));
  const rows = new RowWindow<number>((after) => (isAway ? Promise.reject(new Error("away")) : load(after)));
  rows.want(0, 5);
  await settled();
  expect(rows.error).toEqual(new Error("away"));
  rows.want(0, 5);
  await settled();
  expect(asked).toEqual([]);
  isAway = false;
  rows.retry();
  await settled();
  expect([rows.error, rows.count]).toEqual([null, 5]);
});

test("no rows are a whole as well", async () => {
  const rows = new RowWindow(server([]).load);
  rows.want(0, 5);
  await settled();
  expect([rows.count, rows.isWhole]).toEqual([0, true]);
});

import { expect, test } from "vitest";
import type { Box } from "./layout";
import { packed, type Part, wrapped } from "./packing";

const overlaps = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

function anyOverlap(boxes: Box[]): boolean {
  return boxes.some((box, index) => boxes.slice(index + 1).some((other) => overlaps(box, other)));
}

/** A table that many refer to, with all of them in one rank, as dagre places them. */
function star(count: number): Part {
  const places = new Map<string, Box>([["middle", { x: 0, y: count * 64, width: 200, height: 100 }]]);
  for (let index = 0; index < count; index += 1) {
    places.set(`t${index}`, { x: 290, y: index * 128, width: 200, height: 100 });
  }
  return { places, width: 490, height: count * 128 };
}

test("a rank that is much too high becomes several columns, and nothing lies on anything", () => {
  const { places, width, height } = wrapped(star(60), new Set(["middle"]));
  expect(places.size).toBe(61);
  expect(anyOverlap([...places.values()])).toBe(false);
  expect(width / height).toBeGreaterThan(0.8);
  expect(Math.min(...[...places.values()].map((box) => box.y))).toBe(0);
});

test("what is referred to stands in the last column of its rank", () => {
  const part = star(8);
  part.places.set("beyond", { x: 580, y: 0, width: 200, height: 100 });
  const { places } = wrapped(part, new Set(["middle", "t0"]));
  const rank = [...places].filter(([id]) => /^t/.test(id));
  const last = Math.max(...rank.map(([, box]) => box.x));
  expect(places.get("t0")?.x).toBe(last);
  expect(places.get("beyond")?.x).toBeGreaterThan(last);
  expect(anyOverlap([...places.values()])).toBe(false);
});

test("a picture of a good shape stays as it is", () => {
  const part = star(2);
  expect(wrapped(part, new Set())).toBe(part);
});

test("groups of every size stand beside and below each other", () => {
  const parts = Array.from({ length: 90 }, (_, index): Part => {
    const width = 150 + ((index * 37) % 300);
    const height = 60 + ((index * 91) % 500);
    return { places: new Map([[`g${index}`, { x: 0, y: 0, width, height }]]), width, height };
  });
  const places = packed([star(5), ...parts]);
  expect(places.size).toBe(96);
  expect(anyOverlap([...places.values()])).toBe(false);
});

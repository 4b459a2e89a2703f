import { idOf, type Relation } from "./api";

/** Tables and columns whose names hold what somebody looks for. */
export interface Hits {
  /** Tables with a hit, in the order of the list. */
  ids: string[];
  /** By table: the columns that are hit. */
  columns: ReadonlyMap<string, ReadonlySet<string>>;
}

export const NO_HITS: Hits = { ids: [], columns: new Map() };

/** Look for every word of the text in the names, the table's own and its columns'. */
export function hitsOf(relations: Relation[], text: string): Hits {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return NO_HITS;
  const ids: [id: string, weight: number][] = [];
  const columns = new Map<string, Set<string>>();
  for (const relation of relations) {
    const id = idOf(relation.schema, relation.name);
    const table = `${relation.schema}.${relation.name}`.toLowerCase();
    const left = words.filter((word) => !table.includes(word));
    const found = left.length
      ? relation.columns.filter((column) => left.every((word) => column.name.toLowerCase().includes(word)))
      : relation.columns.filter((column) => words.every((word) => column.name.toLowerCase().includes(word)));
    if (left.length && !found.length) continue;
    // The very name first, then names that hold it, then columns.
    const bare = relation.name.toLowerCase();
    ids.push([id, left.length ? 3 : words.includes(bare) ? 0 : words.some((word) => bare.endsWith(word)) ? 1 : 2]);
    columns.set(id, new Set(found.map((column) => column.name)));
  }
  ids.sort((a, b) => a[1] - b[1]);
  return { ids: ids.map(([id]) => id), columns };
}

import { useMemo } from "react";
import { useParams } from "../../address";
import { type ForeignKey, idOf, type Relation, type Structure } from "./api";
import type { ColumnMode } from "./layout";

/** More tables at once are no picture that anybody can read. */
export const MOST_TABLES = 250;

/** What the address says about the diagram. */
export interface Choices {
  q: string;
  focus: string | null;
  mode: ColumnMode;
  /** A schema's name; empty for all but bookkeeping, `*` for all. */
  within: string;
  views: boolean;
  parts: boolean;
}

const MODES: ColumnMode[] = ["all", "keys", "none"];

export function useChoices(): [Choices, ReturnType<typeof useParams>[1]] {
  const [params, change] = useParams();
  const choices = useMemo(
    () => ({
      q: params.get("q") ?? "",
      focus: params.get("focus"),
      mode: MODES.find((mode) => mode === params.get("columns")) ?? "all",
      within: params.get("schema") ?? "",
      views: params.get("views") === "1",
      parts: params.get("parts") === "1",
    }),
    [params],
  );
  return [choices, change];
}

const isView = (relation: Relation): boolean => relation.kind.includes("view");
export const hasViews = (structure: Structure): boolean => structure.tables.some(isView);
export const hasParts = (structure: Structure): boolean => structure.tables.some((relation) => relation.whole);
export const schemasOf = (structure: Structure): string[] => [...new Set(structure.tables.map(({ schema }) => schema))];

/** Give the tables that are drawn, and those that the list names. */
export function chosen({ tables, keys }: Structure, choices: Choices): { drawn: Relation[]; listed: Relation[]; keys: ForeignKey[] } {
  const listed = tables.filter((relation) =>
    choices.within === "*" ? true : choices.within ? relation.schema === choices.within : !relation.bookkeeping,
  );
  // A link may be older than the table's name.
  if (choices.focus && tables.some((relation) => idOf(relation.schema, relation.name) === choices.focus)) {
    const near = neighbours(keys, choices.focus);
    return { drawn: tables.filter((relation) => near.has(idOf(relation.schema, relation.name))), listed, keys };
  }
  const drawn = listed.filter((relation) => (choices.views || !isView(relation)) && (choices.parts || !relation.whole));
  return { drawn, listed, keys };
}

function neighbours(keys: ForeignKey[], focus: string): Set<string> {
  const near = new Set([focus]);
  for (const key of keys) {
    const source = idOf(key.schema, key.table);
    const target = idOf(key.target_schema, key.target_table);
    if (source === focus) near.add(target);
    if (target === focus) near.add(source);
  }
  return near;
}

import { Graph, layout } from "@dagrejs/dagre";
import { schema } from "../../text/schema";
import { packed, type Part, wrapped } from "./packing";
import { type Column, type ForeignKey, idOf, named, type Relation } from "./api";

export const HEAD = 36;
export const ROW = 24;
export const FOOT = 5;
const NARROWEST = 190;
const MOST_TYPE = 190;


export type ColumnMode = "all" | "keys" | "none";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A table as it is drawn. */
export interface Drawn {
  id: string;
  title: string;
  relation: Relation;
  /** The columns that are shown. */
  columns: Column[];
  width: number;
  height: number;
}

/** A foreign key as it is drawn. */
export interface Tie {
  id: string;
  source: string;
  target: string;
  key: ForeignKey;
}

export type Measure = (text: string, font: "title" | "name" | "type") => number;

/** Give a function that measures text in the fonts of the page. */
export function measuring(): Measure {
  const style = getComputedStyle(document.documentElement);
  const sans = style.getPropertyValue("--sans").trim();
  const mono = style.getPropertyValue("--mono").trim();
  const fonts = { title: `650 13px ${sans}`, name: `12.5px ${mono}`, type: `11.5px ${mono}` };
  const context = document.createElement("canvas").getContext("2d");
  return (text, font) => {
    if (!context) return text.length * 8;
    context.font = fonts[font];
    return context.measureText(text).width;
  };
}

/** What a type looks like in the diagram: the usual long names in short. */
export function shortType(type: string): string {
  return type
    .replace("character varying", "varchar")
    .replace("timestamp with time zone", "timestamptz")
    .replace("timestamp without time zone", "timestamp")
    .replace("double precision", "float8");
}

export const typeText = (column: Column): string =>
  `${column.secret ? `${schema.secretMark} ` : ""}${shortType(column.type)}${column.null ? "?" : ""}`;

function shownColumns(relation: Relation, mode: ColumnMode, targets: ReadonlySet<string>): Column[] {
  if (mode === "all") return relation.columns;
  if (mode === "none") return [];
  return relation.columns.filter((column) => column.key || column.foreign || targets.has(column.name));
}

/** Give tables with their sizes, before they have a place. */
export function drawn(relations: Relation[], keys: ForeignKey[], mode: ColumnMode, measure: Measure): Drawn[] {
  const targets = new Map<string, Set<string>>();
  for (const key of keys) {
    const id = idOf(key.target_schema, key.target_table);
    const names = targets.get(id) ?? new Set<string>();
    for (const name of key.target_columns) names.add(name);
    targets.set(id, names);
  }
  return relations.map((relation) => {
    const id = idOf(relation.schema, relation.name);
    const columns = shownColumns(relation, mode, targets.get(id) ?? new Set());
    const title = named(relation.schema, relation.name);
    const rows = columns.map(
      (each) => 34 + measure(each.name, "name") + 18 + Math.min(measure(typeText(each), "type"), MOST_TYPE) + 16,
    );
    const width = Math.ceil(Math.max(NARROWEST, measure(title, "title") + 30, ...rows));
    const height = HEAD + (columns.length ? columns.length * ROW + FOOT : 0);
    return { id, title, relation, columns, width, height };
  });
}

/** Give the foreign keys between tables that are drawn. */
export function ties(keys: ForeignKey[], tables: Drawn[]): Tie[] {
  const known = new Set(tables.map((table) => table.id));
  return keys
    .map((key) => ({
      id: JSON.stringify([key.schema, key.table, key.name]),
      source: idOf(key.schema, key.table),
      target: idOf(key.target_schema, key.target_table),
      key,
    }))
    .filter((tie) => known.has(tie.source) && known.has(tie.target));
}

/** Give tables that hang together, the largest group first. */
function groups(tables: Drawn[], edges: Tie[]): Drawn[][] {
  const group = new Map(tables.map((table) => [table.id, table.id]));
  const root = (id: string): string => {
    let at = id;
    for (let up = group.get(at); up !== undefined && up !== at; up = group.get(at)) at = up;
    return at;
  };
  for (const edge of edges) group.set(root(edge.source), root(edge.target));
  const found = new Map<string, Drawn[]>();
  for (const table of tables) {
    const at = root(table.id);
    found.set(at, [...(found.get(at) ?? []), table]);
  }
  return [...found.values()].sort((a, b) => b.length - a.length);
}

/** Place one group from left to right: what is referred to stands left of what refers. */
function arranged(tables: Drawn[], edges: Tie[]): Part {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 28, ranksep: 90, ranker: "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const table of tables) graph.setNode(table.id, { width: table.width, height: table.height });
  const ids = new Set(tables.map((table) => table.id));
  for (const edge of edges) {
    if (edge.source !== edge.target && ids.has(edge.source)) graph.setEdge(edge.target, edge.source);
  }
  layout(graph);
  const places = new Map<string, Box>();
  let width = 0;
  let height = 0;
  for (const table of tables) {
    const node = graph.node(table.id) as { x: number; y: number };
    const box = { x: node.x - table.width / 2, y: node.y - table.height / 2, width: table.width, height: table.height };
    places.set(table.id, box);
    width = Math.max(width, box.x + box.width);
    height = Math.max(height, box.y + box.height);
  }
  const referred = new Set(edges.filter((edge) => edge.source !== edge.target).map((edge) => edge.target));
  return wrapped({ places, width, height }, referred);
}

/** Give every table its place: each group by dagre, the groups beside and below each other. */
export function arrange(tables: Drawn[], edges: Tie[]): Map<string, Box> {
  return packed(groups(tables, edges).map((each) => arranged(each, edges)));
}

/** What the row browser's addresses take and give. The server's side stands in `studio/rows/`. */

export type Kind = "table" | "partitioned" | "view" | "materialized" | "foreign";

/** A line of `GET tables`. */
export interface TableLine {
  schema: string;
  name: string;
  kind: Kind;
  /** Of chatkeep or drizzle themselves. */
  internal: boolean;
  /** A partition of another table. */
  partition: boolean;
  /** Name in the project's schema, such as `messages`; null for tables that it does not know. */
  attribute: string | null;
  /** Rows as PostgreSQL estimates them; null where it does not know. */
  estimate: number | null;
  bytes: { total: number; table: number; indexes: number };
  columns: number;
  comment: string | null;
  /** False where this role may not read it. */
  readable: boolean;
}

export interface Column {
  name: string;
  /** As PostgreSQL writes it, with its length: `character varying(255)`. */
  type: string;
  category: "text" | "number" | "boolean" | "time" | "uuid" | "json" | "array" | "enum" | "bytes" | "other";
  nullable: boolean;
  /** Expression of the default as SQL; null where there is none. */
  default: string | null;
  generated: boolean;
  identity: "always" | "default" | null;
  /** Its values never come but on demand: no sort, no filters but (not) null. */
  secret: boolean;
  sortable: boolean;
  /** Part of the primary key. */
  primary: boolean;
  labels: string[] | null;
  comment: string | null;
}

export interface ForeignKey {
  name: string;
  columns: string[];
  /** The table at the other end: of `out` that which is referred to, of `into` that which refers. */
  schema: string;
  table: string;
  /** Its columns, in the order of `columns`. */
  others: string[];
  on_delete: "no action" | "restrict" | "cascade" | "set null" | "set default";
}

/** `GET tables/{schema}/{table}`: names are one segment each, by encodeURIComponent. */
export interface Table extends Omit<TableLine, "columns"> {
  columns: Column[];
  primary: string[];
  /** What tells a row apart here: columns, or ["ctid", "xmin"]; null: rows cannot be named. */
  key: string[] | null;
  paging: Paging;
  /** Foreign keys of this table. */
  out: ForeignKey[];
  /** Foreign keys of others that refer to this table. */
  into: ForeignKey[];
  /** Whether rows may be changed here: a table with a key, and a studio with --write. */
  editable: boolean;
  /** More rows than what is searched or sorted unasked. */
  big: boolean;
  /** Whether our own full-text search covers it: the screen Search is quicker. */
  searchable: boolean;
}

/** By which the pages follow each other; `offset` ends at 10,000 rows, `position` is the row's place on disk. */
export type Paging = "primary" | "unique" | "position" | "offset";

/**
 * A text as PostgreSQL writes it; null is NULL. Cut: the first characters and the whole's bytes (of a
 * bytea: of the value, its text is hex). Secret: there is one, and it is not shown.
 */
export type Cell = string | null | Cut | Masked;
export interface Cut {
  text: string;
  bytes: number;
}
export interface Masked {
  secret: true;
}

export type Key = string[];
export interface Row {
  key: Key | null;
  cells: Cell[];
}

export type Direction = "asc" | "desc";
export type Sort = [column: string, direction: Direction][];

export type Op =
  | "=" | "!=" | "<" | "<=" | ">" | ">="
  | "contains" | "starts" | "in" | "null" | "notnull"
  /** of JSON: has the path; has not; `@>` with a JSON value */
  | "exists" | "missing" | "includes"
  /** of arrays: has the element */
  | "has";

export interface Condition {
  column: string;
  op: Op;
  /** Text that PostgreSQL casts into the column's type; a list for `in`; none for null, notnull, exists, missing. */
  value?: string | string[];
  /** Into JSON: ["tokens", "total"]; numbers of array elements as texts. */
  path?: string[];
}
/** All must hold; of a group one is enough. */
export type Filter = (Condition | { any: Condition[] })[];

/**
 * `GET tables/{schema}/{table}/rows`, all optional. Lists travel as JSON: `sort=[["created_at","desc"]]`,
 * `filter=[{"column":"role","op":"=","value":"user"}]`, `columns=["id","title"]`.
 */
export interface RowsAsked {
  /** JSON of Sort; PostgreSQL's places for NULL: last when rising, first when falling. */
  sort?: string;
  /** JSON of Filter. */
  filter?: string;
  /** JSON of names; all when it is absent. */
  columns?: string;
  /** Quick filter: a text in any text-like column that is asked for. */
  q?: string;
  /** 1 to 500, default 100. */
  limit?: number;
  /** `next` of an answer. */
  after?: string;
  /** `previous` of an answer: the page before, in the order of the sort. */
  before?: string;
  /** The last page. */
  end?: 1;
  /** Go through a big table although no index helps. Without it: error code `would_scan`. */
  scan?: 1;
}

export interface Rows {
  /** Names of the cells' columns. */
  columns: string[];
  /** Names of what stands in the rows' keys. */
  key: string[] | null;
  rows: Row[];
  /** Cursors; null at the end, and at the beginning. They hold for the same table, sort and filter. */
  next: string | null;
  previous: string | null;
  paging: Paging;
  milliseconds: number;
}

/** `GET .../count?filter=&q=`: exact; at most 20 seconds, then error code `timeout`-like. */
export interface Count {
  count: number;
  milliseconds: number;
}

/** `GET .../cell?key=[..]&column=`; a secret: `POST .../cell` with CellAsked, only with --write. */
export interface CellAsked {
  key: Key;
  column: string;
  reveal: true;
}
export interface WholeCell {
  text: string | null;
  bytes: number;
  /** True beyond 8 MiB: `text` is the beginning. */
  cut: boolean;
  /** Of the whole text; may stand for it in `old` of a change. */
  md5: string | null;
}

/** `POST .../copy` */
export interface CopyAsked {
  format: "csv" | "json" | "sql";
  columns?: string[];
  /** Selected rows (at most 1,000); without it what sort, filter and q give. */
  keys?: Key[];
  sort?: Sort;
  filter?: Filter;
  q?: string;
  scan?: boolean;
  /** CSV: put ' before texts that a spreadsheet would take for a formula. Default true. */
  guard?: boolean;
}
export interface Copied {
  text: string;
  rows: number;
  /** There were more: a copy ends at 10,000 rows or 16 MiB. */
  more: boolean;
  /** Cells of a CSV that got a ' before them. */
  guarded: number;
  /** Columns that are masked or left out. */
  secret: string[];
}

/** `GET .../references?key=[..]`: what refers to this row. */
export interface References {
  references: Reference[];
}
export interface Reference extends ForeignKey {
  /** At most 1000; null where counting would go through a big table. */
  count: number | null;
  /** There are more than `count`. */
  more: boolean;
  /** Shows the rows there; null where a column is secret or the row's value is NULL. */
  filter: Condition[] | null;
}

/** `GET .../pick?columns=["id"]&q=ada`: rows of this table for a foreign key that refers to these columns. */
export interface Picks {
  columns: string[];
  picks: { values: (string | null)[]; label: string | null }[];
}

/** `GET .../duplicate?key=[..]` */
export interface Duplicate {
  values: Record<string, string | null>;
  /** Columns without a value here. `unique`: must differ, type one. */
  left: { column: string; why: "identity" | "generated" | "default" | "unique" | "secret" | "large" }[];
}

/** What was seen in a cell: its text, or the md5 of the whole text. */
export type Seen = string | null | { md5: string };
/** A text that PostgreSQL casts, NULL, or the column's default. */
export type Given = string | null | { default: true };

export type Change =
  | {
      kind: "update";
      schema: string;
      table: string;
      key: Key;
      set: Record<string, Given>;
      /** Of every column of `set` but secret ones; more may be given. */
      old: Record<string, Seen>;
    }
  | { kind: "insert"; schema: string; table: string; values: Record<string, Given> }
  | { kind: "delete"; schema: string; table: string; key: Key; old: Record<string, Seen> };

/** `POST changes/preview` and `POST changes/apply` (the latter with --write), at most 1,000 changes. */
export interface Changes {
  changes: Change[];
}
export interface Preview {
  /** The whole as psql takes it, from BEGIN to COMMIT; secrets are not in it. */
  sql: string;
  /** One for each change. */
  statements: string[];
  /** What the deletes bring with them, by change. */
  deletes: { change: number; effects: Effect[]; refused: boolean; more: boolean }[];
}
export interface Effect {
  schema: string;
  table: string;
  /** deleted: goes too. null, default: its reference is set so. refused: keeps the row from being deleted. */
  does: "deleted" | "set null" | "set default" | "refused";
  /** Name of the foreign key. */
  by: string;
  rows: number;
  /** There are more than were counted. */
  more: boolean;
}
export interface Applied {
  applied: number;
  /** The rows' keys afterwards, by change; null of deleted ones. */
  keys: (Key | null)[];
}
/** Error codes: `changed_meanwhile` (409, nothing stored; the message names row and column), `would_scan` (409), `read_only` (403), `cursor` (422). */

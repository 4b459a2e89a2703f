import { useAsk } from "../../api";

/** A column as the diagram needs it. */
export interface Column {
  name: string;
  type: string;
  null: boolean;
  key: boolean;
  foreign: boolean;
  secret: boolean;
  comment: string | null;
}

export type RelationKind = "table" | "partitioned table" | "view" | "materialized view";

export interface Relation {
  schema: string;
  name: string;
  kind: RelationKind;
  comment: string | null;
  /** As PostgreSQL estimates; null where it does not know. */
  rows: number | null;
  /** Name in the project's schema; null for tables that it does not know. */
  attribute: string | null;
  /** Of drizzle-kit or chatkeep themselves. */
  bookkeeping: boolean;
  /** The partitioned table that this is a part of. */
  whole: [schema: string, name: string] | null;
  columns: Column[];
}

export interface ForeignKey {
  name: string;
  schema: string;
  table: string;
  columns: string[];
  target_schema: string;
  target_table: string;
  target_columns: string[];
  on_delete: string;
  on_update: string;
  /** At most one row refers to the same row. */
  once: boolean;
  /** A row need not refer to any. */
  optional: boolean;
  definition: string;
}

export interface Structure {
  tables: Relation[];
  keys: ForeignKey[];
}

export interface PageColumn extends Omit<Column, "foreign"> {
  default: string | null;
  serial: boolean;
  identity: "always" | "by default" | null;
  generated: string | null;
  collation: string | null;
}

export interface Constraint {
  name: string;
  definition: string;
}

export interface Index {
  name: string;
  definition: string;
  method: string;
  is_unique: boolean;
  is_primary: boolean;
  is_valid: boolean;
  constraint: string | null;
  bytes: number;
  scans: number;
  last_scan: string | null;
  covered_by: string[];
}

export interface Statistics {
  /** Null where PostgreSQL has no statistics. */
  rows: number | null;
  dead: number;
  changed: number;
  inserted: number;
  updated: number;
  deleted: number;
  whole_reads: number;
  index_reads: number;
  vacuumed: string | null;
  analyzed: string | null;
  heap_bytes: number;
  index_bytes: number;
  toast_bytes: number;
  bytes: number;
  /** When the counts were reset; null where they never were. */
  since: string | null;
  started: string;
}

export interface Policy {
  name: string;
  command: string;
  permissive: boolean;
  roles: string[];
  using: string | null;
  check: string | null;
}

export interface TablePage {
  schema: string;
  name: string;
  kind: RelationKind;
  bookkeeping: boolean;
  comment: string | null;
  attribute: string | null;
  definition: string | null;
  partition_key: string | null;
  whole: [schema: string, name: string] | null;
  bound: string | null;
  partitions: { schema: string; name: string; bound: string }[];
  row_security: boolean;
  force_row_security: boolean;
  triggers: { name: string; definition: string; enabled: string }[];
  policies: Policy[];
  columns: PageColumn[];
  primary_key: Constraint | null;
  uniques: Constraint[];
  checks: (Constraint & { expression: string })[];
  excludes: Constraint[];
  keys_out: ForeignKey[];
  keys_in: ForeignKey[];
  indexes: Index[];
  statistics: Statistics;
  ddl: string;
  functions: string;
}

export interface Breach {
  schema: string;
  table: string;
  column: string | null;
  rule: string;
  asks: string;
  message: string;
}

export interface Finding {
  check: string;
  severity: "error" | "warning" | "note";
  about: string;
  message: string;
  why: string;
  mend: string;
  mend_with: string;
  table: [schema: string, name: string] | null;
}

export interface Findings {
  /** Null where no tables are declared. */
  conventions: Breach[] | null;
  /** Null before the first visit. */
  doctor: {
    at: string;
    seconds: number;
    checked: string[];
    findings: Finding[];
    unseen: { check: string; reason: string }[];
  } | null;
}

export const FINDINGS = "structure/findings";

export const useStructure = () => useAsk<Structure>("structure");
export const useFindings = () => useAsk<Findings>(FINDINGS);

/** A table's name as one word that no other table has: dots inside names are written otherwise. */
export const idOf = (schema: string, name: string): string =>
  [schema, name].map((part) => part.replace(/[%.]/g, (sign) => (sign === "." ? "%2E" : "%25"))).join(".");

/** Address of a table's page. */
export const pageOf = (schema: string, name: string): string =>
  `/schema/${encodeURIComponent(schema)}/${encodeURIComponent(name)}`;

/** Address of a table's rows. */
export const rowsOf = (schema: string, name: string): string =>
  `/tables/${encodeURIComponent(schema)}/${encodeURIComponent(name)}`;

/** A table's name for people: the schema only where it is not public. */
export const named = (schema: string, name: string): string => (schema === "public" ? name : `${schema}.${name}`);

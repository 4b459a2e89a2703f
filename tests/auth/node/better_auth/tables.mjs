// What a version says that it needs, and what it would change in the database of DATABASE_URL: the
// version in whose folder this runs.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { resolve } = createRequire(`${process.cwd()}/package.json`);
const { getAuthTables } = await import(resolve("better-auth/db"));
const { getMigrations } = await import(resolve("better-auth/db/migration"));
const { default: { Pool } } = await import(resolve("pg"));

const { options } = JSON.parse(readFileSync(0, "utf8"));
const plain = (field) => {
  const { type, fieldName, references, required, unique, index } = field;
  return { type, fieldName, references, required: required !== false, unique: !!unique, index: !!index };
};
const needs = Object.fromEntries(Object.entries(getAuthTables(options)).map(([name, table]) => [name, {
  modelName: table.modelName,
  indexes: table.indexes ?? [],
  fields: Object.fromEntries(Object.entries(table.fields).map(([key, field]) => [key, plain(field)])),
}]));
const warnings = [];
const pool = new Pool({ connectionString: process.env.DATABASE_URL });
const log = (level, message) => { if (level !== "debug") warnings.push(message); };
const plan = await getMigrations({ ...options, database: pool, logger: { level: "warn", log } });
const names = (tables) => tables.map(({ table, fields }) => [table, Object.keys(fields)]);
const manifest = JSON.parse(readFileSync(`${process.cwd()}/node_modules/better-auth/package.json`, "utf8"));
console.log(JSON.stringify({
  version: manifest.version,
  needs,
  created: names(plan.toBeCreated),
  added: names(plan.toBeAdded),
  indexes: plan.toBeAddedIndexes ?? [],
  problems: plan.schemaProblems ?? [],
  warnings,
}));
await pool.end();

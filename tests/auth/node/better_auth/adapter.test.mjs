// Better Auth's own adapter suite, on the tables of the maps preset in the database of DATABASE_URL.
import { kyselyAdapter } from "@better-auth/kysely-adapter";
import * as suites from "@better-auth/test-utils/adapter";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { getMigrations } from "better-auth/db/migration";
import { drizzle } from "drizzle-orm/node-postgres";
import { Kysely, PostgresDialect } from "kysely";
import { Pool } from "pg";
import { load } from "./library.mjs";

const { options: ours, sql, columns, run, schema, adapter: told, leftOut } = JSON.parse(process.env.CHATKEEP_GIVEN);
const pool = new Pool({ connectionString: process.env.DATABASE_URL });
const DEBUG = { debugLogs: { isRunningAdapterTests: true } };

/** The adapter: drizzle-orm's with our schema.ts where one is given, else Better Auth's own. */
async function adapterOf() {
  if (!schema) {
    const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
    return kyselyAdapter(db, { type: "postgres", transaction: true, ...DEBUG });
  }
  const tables = await load(schema);
  return drizzleAdapter(drizzle(pool, { schema: tables }), { ...told, schema: tables, ...DEBUG });
}

const adapter = await adapterOf();

/** Our names, but where a test gives a table another name it means that one. */
function named(options) {
  return Object.fromEntries(Object.entries(ours).map(([model, told]) => [
    model, { ...told, modelName: options[model]?.modelName ?? told.modelName },
  ]));
}

/** A copy: getMigrations writes table names into the `references` of the plugins that it is given. */
function copy(value) {
  if (Array.isArray(value)) return value.map(copy);
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each)]));
}

/** Where a test wants another name for one of our tables or columns, ours takes it. */
function renames(options) {
  const out = [];
  for (const [model, { modelName }] of Object.entries(ours)) {
    for (const [field, column] of Object.entries(columns[model])) {
      const wanted = options[model]?.fields?.[field] ?? column;
      if (wanted !== column) out.push(`ALTER TABLE "${modelName}" RENAME COLUMN "${column}" TO "${wanted}"`);
    }
    const wanted = options[model]?.modelName ?? modelName;
    if (wanted !== modelName) out.push(`ALTER TABLE "${modelName}" RENAME TO "${wanted}"`);
  }
  return out.join("; ");
}

const { execute } = await suites.testAdapter({
  adapter: () => adapter,
  overrideBetterAuthOptions: named,
  runMigrations: async (options) => {
    await pool.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${sql}; ${renames(options)}`);
    const plan = await getMigrations({ ...copy(options), database: pool, logger: { disabled: true } });
    await plan.runMigrations();
  },
  tests: run.map((name) => suites[name]({ disableTests: leftOut })),
  onFinish: () => pool.end(),
});
execute();

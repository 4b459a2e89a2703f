// Makes calls to an adapter of Auth.js and prints what each gave.
//
// Given: `kind` ("drizzle" with a `driver` and `tables`, a compiled schema.ts; "pg"; or `module`, which
// exports `adapter` and `close`), and `calls`, each [method, ...arguments]. A list of calls in `calls`
// is made at once. Times travel as {"$time": "…"}, what is no value as {"$none": true};
// {"$found": [0, "id"]} is what the first call gave as `id`. The database is where PGHOST and its like
// say.

import { DrizzleAdapter } from "@auth/drizzle-adapter";
import PostgresAdapter from "@auth/pg-adapter";
import { drizzle as overPg } from "drizzle-orm/node-postgres";
import { drizzle as overPostgres } from "drizzle-orm/postgres-js";
import { readFileSync } from "node:fs";
import pg from "pg";
import postgres from "postgres";

const given = JSON.parse(readFileSync(0, "utf8"));

async function opened() {
  if (given.kind === "module") return await import(given.module);
  if (given.kind === "pg") {
    const pool = new pg.Pool();
    return { adapter: PostgresAdapter(pool), close: () => pool.end() };
  }
  const { users, accounts, sessions, verificationTokens } = await import(given.tables);
  const tables = {
    usersTable: users,
    accountsTable: accounts,
    sessionsTable: sessions,
    verificationTokensTable: verificationTokens,
  };
  if (given.driver === "pg") {
    const pool = new pg.Pool();
    return { adapter: DrizzleAdapter(overPg(pool), tables), close: () => pool.end() };
  }
  const client = postgres();
  return { adapter: DrizzleAdapter(overPostgres(client), tables), close: () => client.end() };
}

const found = [];

function taken(value) {
  if (Array.isArray(value)) return value.map(taken);
  if (value === null || typeof value !== "object") return value;
  if ("$time" in value) return new Date(value.$time);
  if ("$found" in value) return found[value.$found[0]][value.$found[1]];
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, taken(item)]));
}

function told(value) {
  if (value === undefined) return { $none: true };
  if (Number.isNaN(value)) return { $none: "NaN" };
  if (value instanceof Date) return { $time: value.toISOString() };
  if (Array.isArray(value)) return value.map(told);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, told(item)]));
}

const { adapter, close } = await opened();

async function made([method, ...words]) {
  try {
    return told(await adapter[method](...words.map(taken)));
  } catch (error) {
    return { $error: (error.cause ?? error).code ?? error.message };
  }
}

for (const call of given.calls) {
  found.push(Array.isArray(call[0]) ? await Promise.all(call.map(made)) : await made(call));
}
await close();
console.log(JSON.stringify(found));

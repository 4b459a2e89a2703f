// The real Better Auth on the database of DATABASE_URL, and a browser that keeps its cookies.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { betterAuth } from "better-auth";
import { Pool } from "pg";

export const SECRET = "a secret for tests, which nobody has to keep";
export const ORIGIN = "http://localhost:3000";

/** What Python gave, as JSON on the standard input. */
export const given = () => JSON.parse(readFileSync(0, "utf8"));

/** A module that `chatkeep` wrote: JavaScript as it stands, or the schema.ts made JavaScript. */
export async function load(file) {
  if (!file.endsWith(".ts")) return import(pathToFileURL(file));
  const { transform } = await import("esbuild");
  const { code } = await transform(readFileSync(file, "utf8"), { loader: "ts" });
  writeFileSync(`${file}.mjs`, code);
  return import(pathToFileURL(`${file}.mjs`));
}

/** `database` of the options: pg's Pool, or drizzle-orm with the schema.ts that chatkeep wrote. */
export async function databaseOf({ schema, adapter }) {
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 4 });
  if (!schema) return { pool, database: pool };
  const [{ drizzle }, { drizzleAdapter }] = await Promise.all([
    import("drizzle-orm/node-postgres"),
    import("better-auth/adapters/drizzle"),
  ]);
  const loaded = await load(schema);
  const db = drizzle(pool, { schema: loaded });
  return { pool, database: drizzleAdapter(db, { ...adapter, schema: loaded }) };
}

/** Merge our map with what an application says, a model at a time, as the map's head shows. */
export function merged(tables, options) {
  const both = { ...tables, ...options };
  for (const model of Object.keys(tables)) {
    both[model] = { ...tables[model], ...(options[model] ?? {}) };
  }
  return both;
}

export const auth = (options) => betterAuth({
  secret: SECRET,
  baseURL: ORIGIN,
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  ...options,
});

/** One browser: what it asks goes through `auth.handler`, its cookies as the library set them. */
export class Browser {
  constructor(library, agent = "a browser", cookies = {}) {
    Object.assign(this, { library, agent, cookies });
  }

  async ask(method, path, body) {
    const cookie = Object.entries(this.cookies).map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await this.library.handler(new Request(`${ORIGIN}/api/auth${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        "user-agent": this.agent,
        "x-forwarded-for": "203.0.113.7",
        origin: ORIGIN,
        cookie,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    }));
    for (const line of response.headers.getSetCookie()) {
      const [, name, value, rest] = /^([^=]+)=([^;]*)(.*)$/s.exec(line);
      if (/max-age=0(;|$)/i.test(rest)) delete this.cookies[name];
      else this.cookies[name] = value;
    }
    const text = await response.text();
    if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text && response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
  }

  get = (path) => this.ask("GET", path);
  post = (path, body = {}) => this.ask("POST", path, body);
}

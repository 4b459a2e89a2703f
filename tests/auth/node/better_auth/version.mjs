// One version of Better Auth, the one in whose folder this runs: it migrates, or signs somebody up.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { resolve } = createRequire(`${process.cwd()}/package.json`);
const { betterAuth } = await import(resolve("better-auth"));
const { getMigrations } = await import(resolve("better-auth/db/migration"));
const { default: { Pool } } = await import(resolve("pg"));

const { options = {}, migrate = false, signUp = [], signIn = [] } = JSON.parse(readFileSync(0, "utf8"));
const pool = new Pool({ connectionString: process.env.DATABASE_URL });
const config = {
  ...options,
  database: pool,
  secret: "a secret for tests, which nobody has to keep",
  baseURL: "http://localhost:3000",
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  logger: { disabled: true },
};
const said = { migrated: migrate, signedUp: {}, signedIn: {} };
if (migrate) await (await getMigrations(config)).runMigrations();
const auth = betterAuth(config);
const tried = (promise) => promise.then(() => "in", (error) => error.body?.code ?? error.code ?? error.name);
for (const email of signUp) {
  said.signedUp[email] = await tried(auth.api.signUpEmail({ body: { email, password: "a password", name: "N" } }));
}
for (const email of signIn) {
  said.signedIn[email] = await tried(auth.api.signInEmail({ body: { email, password: "a password" } }));
}
console.log(JSON.stringify(said));
await pool.end();

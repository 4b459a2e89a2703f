// What Better Auth is told. A Next.js application imports the same: toNextJsHandler(auth).
import { betterAuth } from "better-auth";
import { Pool } from "pg";
import { tables } from "./tables";

// Reads BETTER_AUTH_SECRET and BETTER_AUTH_URL itself.
export const auth = betterAuth({
  ...tables,
  database: new Pool({ connectionString: process.env.DATABASE_URL }),
  emailAndPassword: { enabled: true },
  user: { ...tables.user, deleteUser: { enabled: true } },
});

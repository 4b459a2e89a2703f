// What Auth.js is told. A Next.js application imports the same: NextAuth(authConfig).
import type { AuthConfig } from "@auth/core";
import { DrizzleAdapter } from "@auth/drizzle-adapter";
import { drizzle } from "drizzle-orm/node-postgres";
import { Pool } from "pg";
import { accounts, sessions, users, verificationTokens } from "./schema";

const db = drizzle(new Pool({ connectionString: process.env.DATABASE_URL }));

export const authConfig: AuthConfig = {
  adapter: DrizzleAdapter(db, {
    usersTable: users,
    accountsTable: accounts,
    sessionsTable: sessions,
    verificationTokensTable: verificationTokens,
  }),
  // "database": a row for each session, gone at sign-out. "jwt": everything stands in the cookie.
  session: { strategy: process.env.AUTH_SESSION === "jwt" ? "jwt" : "database" },
  providers: [
    {
      id: "email",
      type: "email",
      name: "E-mail",
      from: "no-reply@example.com",
      maxAge: 60 * 60,
      // Send it here. Whoever has the link signs in: printing it is for development.
      async sendVerificationRequest({ identifier, url }) {
        console.log(`sign-in link for ${identifier}: ${url}`);
      },
    },
  ],
};

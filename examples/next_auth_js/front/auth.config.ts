// What Auth.js is told. A Next.js application imports the same: NextAuth(authConfig).
import type { AuthConfig } from "@auth/core";
import { DrizzleAdapter } from "@auth/drizzle-adapter";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { Pool } from "pg";
import { accounts, sessions, users, verificationTokens } from "./schema";

const db = drizzle(new Pool({ connectionString: process.env.DATABASE_URL }));

const adapter = DrizzleAdapter(db, {
  usersTable: users,
  accountsTable: accounts,
  sessionsTable: sessions,
  verificationTokensTable: verificationTokens,
});

export const authConfig: AuthConfig = {
  adapter: {
    ...adapter,
    // No two users have one address, letter case aside, so it is looked for in the same way.
    async getUserByEmail(email) {
      const [user] = await db.select().from(users).where(sql`lower(${users.email}) = lower(${email})`);
      return user ?? null;
    },
  },
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

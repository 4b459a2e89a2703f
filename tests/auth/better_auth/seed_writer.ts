// What the seed's own application does, through the seed's own schema and drizzle-orm: the whole of
// it for each line of the standard input, while the migrations run beside it.
import { createInterface } from "node:readline";
import { drizzle } from "drizzle-orm/node-postgres";
import { eq } from "drizzle-orm";
import { Pool } from "pg";
import * as schema from "./schema/index.ts";

const pool = new Pool({ connectionString: process.env.DATABASE_URL });
const db = drizzle(pool, { schema });
const { users, sessions } = schema;

for await (const stage of createInterface({ input: process.stdin })) {
  const [user] = await db.insert(users).values({ id: `user ${stage}`, email: `${stage}@example.com` }).returning();
  const expiresAt = new Date("2031-02-03T04:05:06.000Z");
  const [session] = await db.insert(sessions).values({ id: `session ${stage}`, userId: user.id, expiresAt }).returning();
  await db.update(sessions).set({ expiresAt: new Date("2032-02-03T04:05:06.000Z") }).where(eq(sessions.id, session.id));
  const [found] = await db.select({ session: sessions, user: users }).from(sessions)
    .innerJoin(users, eq(sessions.userId, users.id)).where(eq(sessions.id, session.id));
  const [gone] = await db.insert(sessions).values({ id: `gone ${stage}`, userId: user.id, expiresAt }).returning();
  await db.delete(sessions).where(eq(sessions.id, gone.id));
  const all = await db.select({ id: sessions.id }).from(sessions);
  console.log(JSON.stringify({ user: found.user.email, session: found.session, all: all.map(({ id }) => id).sort() }));
}
await pool.end();

// Somebody who was signed in before the library came: the cookie carries what was the session's id.
import { createHmac } from "node:crypto";
import { Browser, SECRET, auth, databaseOf, given, load, merged } from "./library.mjs";

const { tables: file, schema, tokens } = given();
const { tables, adapter } = await load(file);
const { pool, database } = await databaseOf({ schema, adapter });
const library = auth(merged(tables, { database, session: { updateAge: 0, expiresIn: 3600 } }));
const found = [];
for (const token of tokens) {
  const signature = createHmac("sha256", SECRET).update(token).digest("base64");
  const cookies = { "better-auth.session_token": encodeURIComponent(`${token}.${signature}`) };
  const answer = await new Browser(library, "an old browser", cookies).get("/get-session");
  found.push(answer && { user: answer.user, session: answer.session });
}
console.log(JSON.stringify(found));
await pool.end();

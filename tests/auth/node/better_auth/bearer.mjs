// Who a bearer token lets in: with the library's plugin as it is, and as it asks for signatures.
import { bearer } from "better-auth/plugins";
import { ORIGIN, auth, databaseOf, given, load, merged } from "./library.mjs";

const { tables: file, schema, tokens } = given();
const { tables, adapter } = await load(file);
const { pool, database } = await databaseOf({ schema, adapter });
const found = { plain: [], signed: [] };
for (const [way, plugin] of [["plain", bearer()], ["signed", bearer({ requireSignature: true })]]) {
  const library = auth({ ...merged(tables, { database }), plugins: [plugin] });
  for (const token of tokens) {
    const headers = { authorization: `Bearer ${token}`, origin: ORIGIN };
    const answer = await library.handler(new Request(`${ORIGIN}/api/auth/get-session`, { headers }));
    found[way].push((await answer.json())?.user.id ?? null);
  }
}
console.log(JSON.stringify(found));
await pool.end();

/** PostgreSQL's SQL cut into coloured pieces. Nothing is parsed: a piece is what its first characters say. */

export type Tone = "keyword" | "type" | "string" | "comment" | "number" | "name" | "plain";
export interface Token {
  tone: Tone;
  text: string;
}

const KEYWORDS = new Set(
  (
    "abort add after all alter always analyze and any array as asc atomic authorization before begin between both by " +
    "cache call cascade case cast check cluster collate column comment commit concurrently conflict constraint " +
    "constraints copy create cross current_date current_role current_time current_timestamp current_user cycle data " +
    "database declare default deferrable deferred definer delete desc detach attach disable distinct do domain drop each else " +
    "elsif enable end enforced enum escape event except exception exclude exclusive execute exists explain extension false " +
    "fetch filter following for force foreign from full function generated grant group groups having identity if ilike " +
    "immediate immutable in include increment index inherit inherits initially inner insert instead intersect into " +
    "invoker is isnull join key language lateral leading left like limit list local lock logged loop match materialized " +
    "maxvalue merge minvalue natural new no not nothing notify notnull null nulls of off offset old on only operator or " +
    "order outer over overriding owned owner parallel partition permissive plpgsql policy preceding prepare primary " +
    "privileges procedure publication raise range recursive references refresh reindex release rename replace reset " +
    "restart restrict restrictive return returning returns revoke right role rollback row rows rule safe savepoint " +
    "schema security select sequence serializable session set share show similar some sql stable start statement " +
    "statistics storage stored strict subscription symmetric system table tablesample temp temporary then to " +
    "trailing transaction trigger true truncate type unbounded union unique unlogged update user using vacuum valid " +
    "validate values variadic verbose view volatile when where while window with within without"
  ).split(" "),
);
const TYPES = new Set(
  (
    "bigint bigserial bit bool boolean bytea char character cidr citext date daterange decimal double float float4 " +
    "float8 halfvec inet int int2 int4 int8 int4range int8range integer interval json jsonb macaddr money name numeric " +
    "numrange oid precision real record regclass serial smallint smallserial text time timestamp timestamptz timetz " +
    "tsquery tsrange tstzrange tsvector uuid varchar varying vector void xml zone"
  ).split(" "),
);

// One alternative matches at each place; nested comments and dollar quotes are finished by hand.
const PIECE =
  /--[^\n]*|\/\*|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|(?:[bBxX]|[uU]&)?'(?:[^']|'')*(?:'|$)|(?:[uU]&)?"(?:[^"]|"")*(?:"|$)|\$\d+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\s+|[^\s\w]/gy;

/** The pieces of a text, in order; joined they are the text. */
export function tokens(sql: string): Token[] {
  const found: Token[] = [];
  const piece = new RegExp(PIECE);
  for (let at = 0; at < sql.length; ) {
    piece.lastIndex = at;
    const text = piece.exec(sql)?.[0] ?? sql.charAt(at);
    if (text === "/*") {
      const end = endOfComment(sql, at);
      found.push({ tone: "comment", text: sql.slice(at, end) });
      at = end;
    } else if (text.startsWith("$") && text.endsWith("$") && text.length > 1) {
      const close = sql.indexOf(text, at + text.length);
      const end = close < 0 ? sql.length : close;
      found.push({ tone: "string", text }, ...tokens(sql.slice(at + text.length, end)));
      if (close >= 0) found.push({ tone: "string", text });
      at = close < 0 ? end : close + text.length;
    } else {
      found.push({ tone: toneOf(text), text });
      at += text.length;
    }
  }
  return found;
}

function toneOf(text: string): Tone {
  if (text.startsWith("--")) return "comment";
  if (text.length > 1 && /^(?:[eEbBxX]|[uU]&)?'/.test(text)) return "string";
  if (/^(?:[uU]&)?"/.test(text)) return "name";
  if (/^\$?\d/.test(text)) return "number";
  const word = text.toLowerCase();
  return TYPES.has(word) ? "type" : KEYWORDS.has(word) ? "keyword" : "plain";
}

function endOfComment(sql: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(sql); mark; mark = marks.exec(sql)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return sql.length;
}

/** The same, line by line: a piece of several lines is cut. */
export function linesOf(sql: string): Token[][] {
  const lines: Token[][] = [[]];
  for (const { tone, text } of tokens(sql)) {
    text.split("\n").forEach((part, index) => {
      if (index > 0) lines.push([]);
      if (part) lines.at(-1)?.push({ tone, text: part });
    });
  }
  return lines;
}

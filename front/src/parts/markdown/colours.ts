import { type Token, tokens as sqlTokens } from "../sql-tokens";

const MOST = 50_000; // characters; beyond, colours cost more than they tell
const SQL = new Set("sql pgsql postgres postgresql plpgsql".split(" "));
const HASHED = new Set("python py python3 bash sh shell zsh console ruby rb yaml yml toml".split(" "));
const SLASHED = new Set("js javascript jsx ts typescript tsx json jsonc java c cpp c++ csharp cs go rust rs kotlin swift php".split(" "));
const KEYWORDS = new Set(
  (
    "abstract and as assert async await break case catch class const continue def default defer del delete do elif else end " +
    "enum except export extends false False final finally fn for from func function global go if impl implements import in " +
    "instanceof interface is lambda let loop match mut namespace new nil None nonlocal not null or package pass private " +
    "protected pub public raise range return self static struct super switch then this throw trait true True try type typeof " +
    "undefined use var void where while with yield"
  ).split(" "),
);

const STRING = /"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|`(?:[^`\\]|\\[\s\S])*(?:`|$)|"(?:[^"\\\n]|\\.)*(?:"|$)|'(?:[^'\\\n]|\\.)*(?:'|$)/;
const REST = /\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?|[A-Za-z_$][\w$]*|\s+|[^\s\w$]/;
const pieces = (comment: RegExp): RegExp => new RegExp([comment, STRING, REST].map((part) => part.source).join("|"), "g");
const WITH_HASH = pieces(/#[^\n]*/);
const WITH_SLASH = pieces(/\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/);

function toneOf(text: string, isComment: RegExp): Token["tone"] {
  if (isComment.test(text)) return "comment";
  if (/^["'`]/.test(text)) return "string";
  if (/^\d/.test(text)) return "number";
  return KEYWORDS.has(text) ? "keyword" : "plain";
}

/** The pieces of code in a language, joined they are the code; null where its colours are not known. */
export function coloured(code: string, language: string): Token[] | null {
  const name = language.toLowerCase();
  if (code.length > MOST) return null;
  if (SQL.has(name)) return sqlTokens(code);
  const isHashed = HASHED.has(name);
  if (!isHashed && !SLASHED.has(name)) return null;
  const isComment = isHashed ? /^#/ : /^\/[/*]/;
  return [...code.matchAll(isHashed ? WITH_HASH : WITH_SLASH)].map(([text]) => ({ tone: toneOf(text, isComment), text }));
}

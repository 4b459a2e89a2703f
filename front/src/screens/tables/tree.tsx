import { useState } from "react";
import { number } from "../../format";
import { Button } from "../../parts/basic";
import { tables as text } from "../../text/tables";
import { copyText } from "../../parts/clipboard";
import { survivesParsing } from "./values";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const FIRST = 100; // children shown of one node before one asks for more

/** Where a value stands, as PostgreSQL and the filter bar write it: `tokens.total`. */
const below = (path: string, name: string): string => (path ? `${path}.${name}` : name);

function Leaf({ value }: { value: null | boolean | number | string }) {
  const kind = value === null ? "null" : typeof value;
  return <span className={`tables-json-${kind}`}>{typeof value === "string" ? JSON.stringify(value) : String(value)}</span>;
}

interface NodeProps {
  name: string | null;
  value: Json;
  path: string;
  depth: number;
}

function CopyPath({ path }: { path: string }) {
  if (!path) return null;
  return (
    <Button kind="quiet" className="tables-json-copy" title={text.copyPath} aria-label={`${text.copyPath} ${path}`}
      onClick={() => void copyText(path)}>
      {text.copyPathShort}
    </Button>
  );
}

function Node({ name, value, path, depth }: NodeProps) {
  const [isOpen, setOpen] = useState(depth < 1);
  const [shown, setShown] = useState(FIRST);
  if (value === null || typeof value !== "object") {
    return (
      <li className="tables-json-line">
        <span className="tables-json-fold" />
        {name === null ? null : <span className="tables-json-key">{name}:</span>} <Leaf value={value} />
        <CopyPath path={path} />
      </li>
    );
  }
  const entries: [string, Json][] = Array.isArray(value) ? value.map((each, at) => [String(at), each]) : Object.entries(value);
  const size = Array.isArray(value) ? text.items(entries.length) : text.fields(entries.length);
  return (
    <li>
      <div className="tables-json-line">
        <Button kind="quiet" className="tables-json-fold" aria-expanded={isOpen} aria-label={`${text.fold} ${name ?? text.value}`}
          onClick={() => setOpen(!isOpen)}>
          {isOpen ? "▾" : "▸"}
        </Button>
        {name === null ? null : <span className="tables-json-key">{name}:</span>}{" "}
        <span className="muted">{Array.isArray(value) ? `[${size}]` : `{${size}}`}</span>
        <CopyPath path={path} />
      </div>
      {isOpen ? (
        <ul className="tables-json-children">
          {entries.slice(0, shown).map(([key, each]) => (
            <Node key={key} name={key} value={each} path={below(path, key)} depth={depth + 1} />
          ))}
          {entries.length > shown ? (
            <li>
              <Button kind="quiet" onClick={() => setShown(shown + FIRST * 10)}>{text.moreOf(number(entries.length - shown))}</Button>
            </li>
          ) : null}
        </ul>
      ) : null}
    </li>
  );
}

/** A JSON value as a tree that folds. What cannot be parsed is shown as it is. */
export function JsonTree({ source }: { source: string }) {
  let value: Json;
  if (!survivesParsing(source)) return <pre className="tables-long mono">{source}</pre>;
  try {
    value = JSON.parse(source) as Json;
  } catch {
    return <pre className="tables-long">{source}</pre>;
  }
  return (
    <ul className="tables-json mono">
      <Node name={null} value={value} path="" depth={0} />
    </ul>
  );
}

import "./sql-text.css";
import { type ReactNode, useMemo } from "react";
import { CopyButton } from "./clipboard";
import { linesOf, type Token } from "./sql-tokens";

interface SqlTextProps {
  sql: string;
  /** What a screen reader calls it, such as "SQL of 0003_name". */
  label: string;
  /** Line numbers, beginning with `first`. */
  numbers?: boolean;
  first?: number;
  /** Lines to point out, by number, and how. */
  marks?: ReadonlyMap<number, "bad" | "warn" | "accent">;
  /** Lines that break at the edge instead of a bar to scroll. */
  wraps?: boolean;
  /** A button that copies all of it. */
  copies?: boolean;
}

const MOST_COLOURED = 300_000; // characters; beyond, colours cost more than they tell

/** SQL to read: colours, line numbers that no copy takes along. */
export function SqlText({ sql, label, numbers = true, first = 1, marks, wraps = false, copies = false }: SqlTextProps) {
  const lines = useMemo(() => {
    const text = sql.replace(/\r\n/g, "\n").replace(/\n$/, "");
    if (text.length <= MOST_COLOURED) return linesOf(text);
    return text.split("\n").map((line): Token[] => [{ tone: "plain", text: line }]);
  }, [sql]);
  const digits = String(first + lines.length - 1).length;
  return (
    <div className={`sql-box${copies ? " sql-copies" : ""}`}>
      {copies ? <CopyButton text={sql} className="sql-copy" /> : null}
      <pre
        className={`sql-text${numbers ? " sql-numbered" : ""}${wraps ? " sql-wraps" : ""}`}
        style={{ "--digits": digits } as React.CSSProperties}
        tabIndex={0}
        role="region"
        aria-label={label}
      >
        <code>
          {lines.map((line, index) => {
            const number = first + index;
            const mark = marks?.get(number);
            return (
              <span key={number} className={`sql-line${mark ? ` sql-${mark}` : ""}`} data-line={number}>
                {line.map(coloured)}
                {"\n"}
              </span>
            );
          })}
        </code>
      </pre>
    </div>
  );
}

/** A piece of SQL inside a sentence. */
export function SqlInline({ sql }: { sql: string }) {
  const lines = useMemo(() => linesOf(sql), [sql]);
  return <code className="sql-inline">{lines.flat().map(coloured)}</code>;
}

export function coloured({ tone, text }: Token, index: number): ReactNode {
  return tone === "plain" ? (
    text
  ) : (
    <span key={index} className={`sql-${tone}`}>
      {text}
    </span>
  );
}

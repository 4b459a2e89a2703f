import type { ReactNode } from "react";
import { Answer, Button } from "../../parts/basic";
import { CopyButton } from "../../parts/clipboard";
import { insight } from "../../text/insight";
import { shell } from "../../text/shell";

/** A figure that was not had in time. */
export interface Late {
  seconds: number;
  index: string | null;
}

export interface Figure<T> {
  found: T | null;
  late: Late | null;
  since: string;
  until: string;
}

export function Panel({ title, about, actions, children }: { title: string; about?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="panel insight-panel" aria-label={title}>
      <header className="insight-panel-head">
        <h2>{title}</h2>
        {actions ? <div className="row">{actions}</div> : null}
      </header>
      {about ? <p className="muted">{about}</p> : null}
      {children}
    </section>
  );
}

interface FreshProps<T> {
  of: { data: T | undefined; error: unknown; isLoading: boolean; mutate: () => unknown };
  lines?: number;
  children: (data: T) => ReactNode;
}

/** An answer; while another one is on its way the one before stays in its place, and is seen to be old. */
export function Fresh<T>({ of, lines = 6, children }: FreshProps<T>) {
  return (
    <div className={`insight-fresh${of.isLoading && of.data !== undefined ? " insight-old" : ""}`} aria-busy={of.isLoading}>
      <Answer of={of} lines={lines}>
        {children}
      </Answer>
    </div>
  );
}

export interface Tile {
  name: string;
  value: string;
  about?: string | undefined;
}

/** Numbers that are read first. */
export function Tiles({ tiles, label }: { tiles: Tile[]; label: string }) {
  return (
    <dl className="insight-tiles" aria-label={label}>
      {tiles.map((tile) => (
        <div key={tile.name} className="panel insight-tile">
          <dt className="muted">{tile.name}</dt>
          <dd>
            <span className="insight-number">{tile.value}</span>
            {tile.about ? <span className="muted insight-small">{tile.about}</span> : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Code to copy. */
export function Code({ code, label = shell.copy }: { code: string; label?: string }) {
  return (
    <div className="insight-code">
      <pre tabIndex={0}>{code}</pre>
      <CopyButton text={code} label={label} />
    </div>
  );
}

/** Says that a figure took too long, and what makes it quick. */
export function TooLate({ late, onSample }: { late: Late; onSample?: (() => void) | undefined }) {
  return (
    <div className="stack" role="status">
      <p>{insight.late(late.seconds)}</p>
      <p className="muted">{late.index ? insight.lateIndex : insight.lateNoIndex}</p>
      {late.index ? <Code code={late.index} label={insight.copyIndex} /> : null}
      {onSample ? (
        <div>
          <Button onClick={onSample}>{insight.sample}</Button>
        </div>
      ) : null}
    </div>
  );
}

/** What a long text begins with; all of it on demand. */
export function LongText({ text }: { text: string }) {
  const line = text.replace(/\s+/g, " ");
  if (line.length <= 90) return <code className="insight-sql">{line}</code>;
  return (
    <details className="insight-long">
      <summary title={insight.open}>
        <code>{line}</code>
      </summary>
      <pre tabIndex={0}>{text}</pre>
    </details>
  );
}

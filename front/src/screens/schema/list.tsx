import { Fragment, useMemo } from "react";
import { Link } from "wouter";
import { compact } from "../../format";
import { schema } from "../../text/schema";
import { type ForeignKey, idOf, named, pageOf, type Relation } from "./api";
import type { Hits } from "./hits";

interface ListProps {
  relations: Relation[];
  keys: ForeignKey[];
  /** Null where nothing is looked for. */
  hits: Hits | null;
  onShow: (id: string) => void;
  onFocus: (id: string) => void;
}

/** The tables as text: what the diagram shows, for screen readers and for those who read. */
export function TableList({ relations, keys, hits, onShow, onFocus }: ListProps) {
  const shown = useMemo(() => {
    const known = new Map(relations.map((relation) => [idOf(relation.schema, relation.name), relation]));
    return hits ? hits.ids.flatMap((id) => known.get(id) ?? []) : relations;
  }, [relations, hits]);
  const out = useMemo(() => {
    const found = new Map<string, Set<string>>();
    for (const key of keys) {
      const id = idOf(key.schema, key.table);
      const names = found.get(id) ?? new Set<string>();
      found.set(id, names.add(named(key.target_schema, key.target_table)));
    }
    return found;
  }, [keys]);
  if (!shown.length) return <p className="schema-list-none muted">{schema.noHit}</p>;
  return (
    <ul className="schema-list" aria-label={schema.tables}>
      {shown.map((relation) => {
        const id = idOf(relation.schema, relation.name);
        const name = named(relation.schema, relation.name);
        const targets = [...(out.get(id) ?? [])];
        const columns = [...(hits?.columns.get(id) ?? [])];
        return (
          <li key={id} className="schema-list-line">
            <div className="schema-list-head">
              <button type="button" className="schema-list-name" onClick={() => onShow(id)} aria-label={schema.show(name)}>
                <Breakable text={name} />
              </button>
              <Link href={pageOf(relation.schema, relation.name)} aria-label={schema.openOf(name)} className="schema-list-open">
                {schema.open}
              </Link>
              <button
                type="button"
                className="schema-list-only"
                title={schema.focusOn(name)}
                aria-label={schema.focusOn(name)}
                onClick={() => onFocus(id)}
              >
                ◎
              </button>
            </div>
            <p className="schema-list-about muted">
              {schema.columns(relation.columns.length)}
              {relation.rows === null ? "" : ` · ~${compact(relation.rows)}`}
              {relation.kind === "table" ? "" : ` · ${relation.kind}`}
            </p>
            {targets.length ? <p className="schema-list-about muted">{`→ ${targets.join(", ")}`}</p> : null}
            {columns.length ? (
              <p className="schema-list-about">
                <mark className="mono">{columns.join(", ")}</mark>
              </p>
            ) : null}
          </li>
        );
      })}
    </ul>
  );
}

/** A name that may break behind its underscores. */
function Breakable({ text }: { text: string }) {
  return text.split(/(?<=_)/).map((part, index) => (
    <Fragment key={index}>
      {index ? <wbr /> : null}
      {part}
    </Fragment>
  ));
}

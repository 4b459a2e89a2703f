import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { createContext, useContext } from "react";
import { Link } from "wouter";
import { schema } from "../../text/schema";
import { pageOf } from "./api";
import { NO_HITS, type Hits } from "./hits";
import { type Drawn, FOOT, HEAD, ROW, typeText } from "./layout";

export type TableNode = Node<Drawn & Record<string, unknown>, "table">;

interface Lit {
  hits: Hits;
  /** The table that is selected, and what its foreign keys touch. */
  chosen: string | null;
  focus: string | null;
}

/** What is marked in the diagram; apart from the nodes, so that a mark moves none of them. */
export const LitContext = createContext<Lit>({ hits: NO_HITS, chosen: null, focus: null });

export function TableNodeView({ data, selected }: NodeProps<TableNode>) {
  // Tab goes through the tables; into the one that is selected.
  const tab = selected ? 0 : -1;
  const { hits, focus } = useContext(LitContext);
  const { relation, columns, title, id } = data;
  const hit = hits.columns.get(id);
  const kind = relation.kind.includes("view") ? " schema-node-view" : "";
  return (
    <div className={`schema-node${kind}${hit ? " schema-node-hit" : ""}${focus === id ? " schema-node-focus" : ""}`}>
      <Handle type="target" position={Position.Left} isConnectable={false} className="schema-handle" />
      <Handle type="source" position={Position.Right} isConnectable={false} className="schema-handle" />
      <div className="schema-node-head" style={{ height: HEAD }}>
        <Link href={pageOf(relation.schema, relation.name)} className="schema-node-title nodrag" tabIndex={tab}>
          {title}
        </Link>
      </div>
      {columns.length ? (
        <ul className="schema-node-columns" style={{ paddingBottom: FOOT }}>
          {columns.map((column) => (
            <li
              key={column.name}
              className={`schema-column${hit?.has(column.name) ? " schema-column-hit" : ""}`}
              style={{ height: ROW }}
            >
              <span className="schema-column-mark">{column.key ? schema.pk : column.foreign ? schema.fk : ""}</span>
              <span className="schema-column-name">{column.name}</span>
              <span className="schema-column-type" title={column.secret ? `${column.type}, ${schema.secret}` : column.type}>
                {typeText(column)}
              </span>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

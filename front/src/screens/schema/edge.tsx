import { type Edge, type EdgeProps, useInternalNode } from "@xyflow/react";
import { useContext } from "react";
import type { Box, Tie } from "./layout";
import { CIRCLE, lineOf } from "./lines";
import { LitContext, type TableNode } from "./node";

export type TieEdge = Edge<{ tie: Tie }, "tie">;

/** A foreign key, drawn from column to column with the marks of cardinality. */
export function TieEdgeView({ source, target, data }: EdgeProps<TieEdge>) {
  const from = useInternalNode<TableNode>(source);
  const to = useInternalNode<TableNode>(target);
  const { chosen } = useContext(LitContext);
  if (!from || !to || !data) return null;
  const box = (node: typeof from): Box => ({
    ...node.internals.positionAbsolute,
    width: node.data.width,
    height: node.data.height,
  });
  const line = lineOf(data.tie, from.data, box(from), to.data, box(to));
  const lit = chosen === source || chosen === target;
  return (
    <g className={`schema-tie${lit ? " schema-tie-lit" : chosen ? " schema-tie-dim" : ""}`}>
      <path className="schema-tie-line" d={line.path} />
      <path className="schema-tie-line" d={line.marks} />
      {line.circles.map(({ x, y }) => (
        <circle key={`${x} ${y}`} cx={x} cy={y} r={CIRCLE} />
      ))}
    </g>
  );
}

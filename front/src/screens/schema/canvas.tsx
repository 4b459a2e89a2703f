import "@xyflow/react/dist/base.css";
import { applyNodeChanges, Background, type NodeChange, ReactFlow, useReactFlow } from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { schema } from "../../text/schema";
import { TieEdgeView, type TieEdge } from "./edge";
import type { Hits } from "./hits";
import { arrange, type Drawn, type Tie } from "./layout";
import { LitContext, type TableNode, TableNodeView } from "./node";

const NODES = { table: TableNodeView };
const EDGES = { tie: TieEdgeView };
const LABELS = {
  "node.a11yDescription.default": schema.keyboard,
  "node.a11yDescription.keyboardDisabled": schema.keyboard,
  "node.a11yDescription.ariaLiveMessage": ({ x, y }: { x: number; y: number }) => schema.moved(x, y),
};
const FIT = { padding: 0.06, maxZoom: 1 };
const READABLE = 0.6;

interface CanvasProps {
  tables: Drawn[];
  ties: Tie[];
  hits: Hits;
  focus: string | null;
  onFocus: (id: string) => void;
  /** The table to bring to the middle; a new object each time somebody asks. */
  wanted: { id: string } | null;
  /** Counts up when everything shall go back to its place. */
  arranged: number;
}

function placed(tables: Drawn[], ties: Tie[]): TableNode[] {
  const boxes = arrange(tables, ties);
  return tables.map((table) => ({
    id: table.id,
    type: "table",
    position: { x: boxes.get(table.id)?.x ?? 0, y: boxes.get(table.id)?.y ?? 0 },
    data: { ...table },
    width: table.width,
    height: table.height,
    ariaLabel: schema.nodeLabel(table.title, table.relation.columns.length),
  }));
}

/** The table that somebody looks for first: the people, else what most others refer to. */
function heart(tables: Drawn[], ties: Tie[]): string | undefined {
  const users = tables.find((table) => table.relation.attribute === "users");
  if (users) return users.id;
  const count = new Map<string, number>();
  for (const { target } of ties) count.set(target, (count.get(target) ?? 0) + 1);
  return tables.map((table) => table.id).sort((a, b) => (count.get(b) ?? 0) - (count.get(a) ?? 0))[0];
}

/** The diagram itself: tables that can be moved, and their foreign keys. */
export function Canvas({ tables, ties, hits, focus, onFocus, wanted, arranged }: CanvasProps) {
  const flow = useReactFlow<TableNode, TieEdge>();
  const [nodes, setNodes] = useState<TableNode[]>(() => placed(tables, ties));
  const [of, setOf] = useState({ tables, ties, arranged });
  if (of.tables !== tables || of.ties !== ties || of.arranged !== arranged) {
    setOf({ tables, ties, arranged });
    setNodes(placed(tables, ties));
  }
  const hasBegun = useRef(false);
  const edges = useMemo(
    (): TieEdge[] => ties.map((tie) => ({ id: tie.id, source: tie.source, target: tie.target, type: "tie", data: { tie } })),
    [ties],
  );
  const onNodesChange = useCallback(
    (changes: NodeChange<TableNode>[]) => setNodes((before) => applyNodeChanges(changes, before)),
    [],
  );
  useEffect(() => {
    if (wanted) return;
    const fitted = flow.fitView(FIT);
    if (hasBegun.current) return;
    hasBegun.current = true;
    void fitted.then(() => {
      const id = heart(of.tables, of.ties);
      // All of it in a small window could not be read; "Fit" shows it nevertheless.
      if (id !== undefined && flow.getZoom() < READABLE) void flow.fitView({ nodes: [{ id }], minZoom: READABLE, maxZoom: READABLE });
    });
  }, [flow, of, wanted]);
  useEffect(() => {
    if (wanted) void flow.fitView({ nodes: [{ id: wanted.id }], maxZoom: 1, minZoom: 0.6 });
  }, [flow, wanted, of]);
  const chosen = nodes.find((node) => node.selected)?.id ?? null;
  const lit = useMemo(() => ({ hits, chosen, focus }), [hits, chosen, focus]);
  return (
    <LitContext value={lit}>
      <ReactFlow<TableNode, TieEdge>
        className="schema-flow"
        aria-label={schema.diagram}
        nodes={nodes}
        edges={edges}
        nodeTypes={NODES}
        edgeTypes={EDGES}
        onNodesChange={onNodesChange}
        onNodeDoubleClick={(_event, node) => onFocus(node.id)}
        zoomOnDoubleClick={false}
        ariaLabelConfig={LABELS}
        nodesConnectable={false}
        edgesFocusable={false}
        elevateNodesOnSelect
        deleteKeyCode={null}
        selectionKeyCode={null}
        multiSelectionKeyCode={null}
        minZoom={0.04}
        maxZoom={2}
        fitView
        fitViewOptions={FIT}
      >
        <Background gap={24} size={1} />
      </ReactFlow>
    </LitContext>
  );
}

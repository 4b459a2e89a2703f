import { ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { type Command, useCommands } from "../../commands";
import { useOverview } from "../../overview";
import { Answer, Button, Empty, Page } from "../../parts/basic";
import { saveFile } from "../../parts/saving";
import { say } from "../../parts/toast";
import { schema } from "../../text/schema";
import { shell } from "../../text/shell";
import { idOf, type Structure, useStructure } from "./api";
import { Canvas } from "./canvas";
import { chosen, MOST_TABLES, useChoices } from "./choices";
import { pngOf, svgOf } from "./drawing";
import { hitsOf, NO_HITS } from "./hits";
import { drawn as drawnOf, measuring, ties as tiesOf } from "./layout";
import { TableList } from "./list";
import type { TableNode } from "./node";
import { Toolbar } from "./toolbar";

export function Diagram() {
  const asked = useStructure();
  const own = asked.data?.tables.filter((relation) => !relation.bookkeeping).length ?? 0;
  const about = asked.data ? schema.about(own, asked.data.keys.length) : "\u00a0";
  return (
    <Page
      title={shell.nav.schema}
      about={about}
      fills
      actions={
        <Link href="/schema/findings" className="button button-plain">
          {schema.findings}
        </Link>
      }
    >
      <Answer of={asked} lines={12}>
        {(structure) =>
          structure.tables.length ? (
            <ReactFlowProvider>
              <Chart structure={structure} />
            </ReactFlowProvider>
          ) : (
            <Empty title={schema.empty}>
              <p>{schema.emptyHint}</p>
              <p className="schema-links">
                <Link href="/migrations">{schema.toMigrations}</Link>
                <Link href="/sql">{schema.toSql}</Link>
              </p>
            </Empty>
          )
        }
      </Answer>
    </Page>
  );
}

function Chart({ structure }: { structure: Structure }) {
  const [choices, change] = useChoices();
  const flow = useReactFlow<TableNode>();
  const { data: overview } = useOverview();
  const [arranged, setArranged] = useState(0);
  const measure = useMemo(measuring, []);
  const { q, focus, mode, within, views, parts } = choices;
  const shown = useMemo(
    () => chosen(structure, { q: "", focus, mode, within, views, parts }),
    [structure, focus, mode, within, views, parts],
  );
  const isMany = shown.drawn.length > MOST_TABLES;
  const tables = useMemo(
    () => (isMany ? [] : drawnOf(shown.drawn, shown.keys, mode, measure)),
    [shown, isMany, mode, measure],
  );
  const ties = useMemo(() => tiesOf(shown.keys, tables), [shown, tables]);
  const hits = useMemo(() => hitsOf(shown.listed, q), [shown, q]);
  const { wanted, show, next } = useWanted(tables, hits.ids, q, change);
  const focused = structure.tables.find((relation) => idOf(relation.schema, relation.name) === focus) ?? null;
  const onFocus = useCallback((id: string) => change({ focus: id, q: null }), [change]);
  const onSave = useCallback(
    async (kind: "svg" | "png") => {
      const places = flow.getNodes().map(({ data, position }) => ({
        table: data,
        box: { ...position, width: data.width, height: data.height },
      }));
      const title = overview?.database ?? shell.nav.schema;
      const name = `${title.replace(/[^\w.-]+/g, "_")}-schema.${kind}`;
      const drawing = svgOf(places, ties, title, measure);
      const file = kind === "svg" ? new Blob([drawing.svg], { type: "image/svg+xml" }) : await pngOf(drawing);
      if (file) saveFile(name, file);
      say(file ? schema.saved(name) : schema.tooLarge);
    },
    [flow, overview, ties, measure],
  );
  useDiagramCommands(onSave);
  return (
    <div className="schema-body">
      <aside className="schema-side">
        <Search q={q} count={q ? hits.ids.length : null} onNext={next} onChange={(text) => change({ q: text || null }, "replace")} />
        <div className="schema-scroll">
          <TableList relations={shown.listed} keys={shown.keys} hits={q ? hits : null} onShow={show} onFocus={onFocus} />
        </div>
      </aside>
      <section className="schema-main" aria-label={schema.diagram}>
        <Toolbar
          structure={structure}
          choices={choices}
          change={change}
          focused={focused}
          drawn={tables.length > 0}
          onArrange={() => setArranged(arranged + 1)}
          onSave={(kind) => void onSave(kind)}
        />
        <div className="schema-canvas">
          {isMany ? (
            <Empty title={schema.many(shown.drawn.length, MOST_TABLES)}>{schema.manyHint}</Empty>
          ) : tables.length ? (
            <Canvas
              tables={tables}
              ties={ties}
              hits={q ? hits : NO_HITS}
              focus={focus}
              onFocus={onFocus}
              wanted={wanted}
              arranged={arranged}
            />
          ) : (
            <Empty title={schema.noneShown}>{schema.noneShownHint}</Empty>
          )}
        </div>
        <p className="schema-legend muted">{`${schema.legend}. ${schema.legendLines}`}</p>
      </section>
    </div>
  );
}

type Change = ReturnType<typeof useChoices>[1];

/** Which table is brought to the middle: the first hit, the next one, or one from the list. */
function useWanted(tables: { id: string }[], ids: string[], q: string, change: Change) {
  const known = useMemo(() => new Set(tables.map((table) => table.id)), [tables]);
  const there = useMemo(() => ids.filter((id) => known.has(id)), [ids, known]);
  const [asked, setAsked] = useState<{ id: string } | null>(null);
  const [at, setAt] = useState({ q: "", index: 0 });
  const index = at.q === q ? at.index : 0;
  const hit = q ? there[index % Math.max(there.length, 1)] : undefined;
  const ofHit = useMemo(() => (hit ? { id: hit } : null), [hit]);
  useEffect(() => setAsked(null), [q]);
  const show = useCallback(
    (id: string) => {
      if (known.has(id)) setAsked({ id });
      else change({ focus: id, q: null });
    },
    [known, change],
  );
  const next = () => {
    setAsked(null);
    setAt({ q, index: index + 1 });
  };
  return { wanted: asked ?? ofHit, show, next };
}

interface SearchProps {
  q: string;
  count: number | null;
  onChange: (text: string) => void;
  onNext: () => void;
}

function Search({ q, count, onChange, onNext }: SearchProps) {
  const ref = useRef<HTMLInputElement>(null);
  return (
    <div className="schema-search" role="search">
      <input
        ref={ref}
        type="search"
        aria-label={schema.find}
        placeholder={schema.findPlaceholder}
        value={q}
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") onNext();
        }}
      />
      <Button disabled={!count} onClick={onNext} aria-label={schema.next} title={schema.next}>
        ↓
      </Button>
      <p className="schema-count muted" role="status">
        {count === null ? "" : schema.hits(count)}
      </p>
    </div>
  );
}

function useDiagramCommands(onSave: (kind: "svg" | "png") => Promise<void>): void {
  const [, navigate] = useLocation();
  const commands = useMemo(
    (): Command[] => [
      { id: "schema-svg", group: shell.nav.schema, title: schema.saveSvg, run: () => void onSave("svg") },
      { id: "schema-png", group: shell.nav.schema, title: schema.savePng, run: () => void onSave("png") },
      { id: "schema-findings", group: shell.nav.schema, title: schema.findings, run: () => navigate("/schema/findings") },
    ],
    [onSave, navigate],
  );
  useCommands(commands);
}

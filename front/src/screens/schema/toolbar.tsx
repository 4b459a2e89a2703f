import { useReactFlow } from "@xyflow/react";
import { Button } from "../../parts/basic";
import { schema } from "../../text/schema";
import { named, type Relation, type Structure } from "./api";
import { type Choices, hasParts, hasViews, schemasOf } from "./choices";

type Change = (changes: Record<string, string | null>, keep?: "push" | "replace") => void;

interface ToolbarProps {
  structure: Structure;
  choices: Choices;
  change: Change;
  focused: Relation | null;
  onArrange: () => void;
  onSave: (kind: "svg" | "png") => void;
  /** Whether there is a picture to zoom and save. */
  drawn: boolean;
}

/** What is drawn, how near, and where it goes. */
export function Toolbar({ structure, choices, change, focused, onArrange, onSave, drawn }: ToolbarProps) {
  return (
    <div className="schema-tools">
      <Filters structure={structure} choices={choices} change={change} />
      {focused ? (
        <span className="schema-focus">
          {schema.focused(named(focused.schema, focused.name))}
          <button type="button" aria-label={schema.unfocus} title={schema.unfocus} onClick={() => change({ focus: null })}>
            ✕
          </button>
        </span>
      ) : null}
      <span className="grow" />
      <ZoomButtons disabled={!drawn} onArrange={onArrange} />
      <span className="schema-group">
        <Button disabled={!drawn} onClick={() => onSave("svg")} aria-label={schema.saveSvg} title={schema.saveSvg}>
          {schema.svg}
        </Button>
        <Button disabled={!drawn} onClick={() => onSave("png")} aria-label={schema.savePng} title={schema.savePng}>
          {schema.png}
        </Button>
      </span>
    </div>
  );
}

function Filters({ structure, choices, change }: Pick<ToolbarProps, "structure" | "choices" | "change">) {
  const schemas = schemasOf(structure);
  return (
    <>
      <select
        aria-label={schema.columnsShown}
        value={choices.mode}
        onChange={(event) => change({ columns: event.target.value === "all" ? null : event.target.value })}
      >
        {Object.entries(schema.modes).map(([mode, title]) => (
          <option key={mode} value={mode}>
            {title}
          </option>
        ))}
      </select>
      {schemas.length > 1 ? (
        <select
          aria-label={schema.schemasShown}
          value={choices.within}
          onChange={(event) => change({ schema: event.target.value || null, focus: null })}
        >
          <option value="">{schema.allSchemas}</option>
          {schemas.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
          {structure.tables.some((relation) => relation.bookkeeping) ? <option value="*">{schema.everything}</option> : null}
        </select>
      ) : null}
      {hasViews(structure) ? (
        <label className="schema-check">
          <input type="checkbox" checked={choices.views} onChange={(event) => change({ views: event.target.checked ? "1" : null })} />
          {schema.views}
        </label>
      ) : null}
      {hasParts(structure) ? (
        <label className="schema-check">
          <input type="checkbox" checked={choices.parts} onChange={(event) => change({ parts: event.target.checked ? "1" : null })} />
          {schema.parts}
        </label>
      ) : null}
    </>
  );
}

function ZoomButtons({ disabled, onArrange }: { disabled: boolean; onArrange: () => void }) {
  const flow = useReactFlow();
  return (
    <span className="schema-group">
      <Button disabled={disabled} onClick={() => void flow.zoomOut()} aria-label={schema.zoomOut} title={schema.zoomOut}>
        −
      </Button>
      <Button disabled={disabled} onClick={() => void flow.zoomIn()} aria-label={schema.zoomIn} title={schema.zoomIn}>
        +
      </Button>
      <Button disabled={disabled} onClick={() => void flow.fitView({ padding: 0.06, maxZoom: 1 })} title={schema.fitAll}>
        {schema.fit}
      </Button>
      <Button disabled={disabled} onClick={onArrange} title={schema.arrangeAll}>
        {schema.arrange}
      </Button>
    </span>
  );
}

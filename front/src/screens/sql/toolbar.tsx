import { useWrite } from "../../overview";
import { Button } from "../../parts/basic";
import { sql } from "../../text/sql";
import { type Choices, useElapsed } from "./running";

const ROWS = [100, 500, 2000, 10_000];
const SECONDS = [10, 30, 60, 300, 600];

interface ToolbarProps {
  choices: Choices;
  since: number | null;
  onChoose: (choices: Choices) => void;
  onRun: () => void;
  onRunAll: () => void;
  onExplain: (analyze: boolean) => void;
  onCancel: () => void;
}

export function Toolbar({ choices, since, onChoose, onRun, onRunAll, onExplain, onCancel }: ToolbarProps) {
  const mayWrite = useWrite();
  const elapsed = useElapsed(since);
  const isRunning = since !== null;
  const change = (part: Partial<Choices>) => onChoose({ ...choices, ...part });
  return (
    <div className={`console-bar${choices.write ? " console-bar-write" : ""}`} role="toolbar" aria-label={sql.title}>
      {isRunning ? (
        <>
          <Button kind="danger" onClick={onCancel}>
            {sql.cancel}
          </Button>
          <span className="console-elapsed number">{sql.running(elapsed)}</span>
        </>
      ) : (
        <>
          <Button kind="primary" onClick={onRun} title={sql.runHint}>
            {sql.run}
          </Button>
          <Button onClick={onRunAll} title={sql.runAllHint}>
            {sql.runAll}
          </Button>
          <Button onClick={() => onExplain(false)} title={sql.explainHint}>
            {sql.explain}
          </Button>
          <Button onClick={() => onExplain(true)} title={sql.analyzeHint}>
            {sql.analyze}
          </Button>
        </>
      )}
      <span className="grow" />
      {mayWrite ? (
        <label className="console-choice console-write" title={sql.writeHint}>
          <input type="checkbox" role="switch" checked={choices.write} onChange={(event) => change({ write: event.target.checked })} />
          {sql.write}
        </label>
      ) : null}
      {mayWrite && choices.write ? (
        <label className="console-choice" title={sql.singleHint}>
          <input type="checkbox" checked={choices.single} onChange={(event) => change({ single: event.target.checked })} />
          {sql.single}
        </label>
      ) : null}
      <span className="row">
        <label className="console-choice" title={sql.rowsHint}>
          {sql.rows}
          <select value={choices.rows} onChange={(event) => change({ rows: Number(event.target.value) })}>
            {ROWS.map((each) => (
              <option key={each} value={each}>
                {each.toLocaleString("en")}
              </option>
            ))}
          </select>
        </label>
        <label className="console-choice">
          {sql.timeout}
          <select value={choices.seconds} onChange={(event) => change({ seconds: Number(event.target.value) })}>
            {SECONDS.map((each) => (
              <option key={each} value={each}>
                {sql.seconds(each)}
              </option>
            ))}
          </select>
        </label>
      </span>
    </div>
  );
}

import { number } from "../../format";
import { useWrite } from "../../overview";
import { Button } from "../../parts/basic";
import { shell } from "../../text/shell";
import { tables as text } from "../../text/tables";
import type { Staging } from "./staged";
import type { Line } from "./values";
import type { RowWindow } from "./window";

interface Props {
  staging: Staging;
  changes: number;
  selected: Map<string, Line>;
  rows: RowWindow<Line>;
  canWrite: boolean;
  /** What is pressed for these two is gone then: the focus goes on to the rows. */
  onClear: () => void;
  onDiscard: () => void;
  onDuplicate: (line: Line) => void;
  onReview: () => void;
}

/** Below the rows: how many there are, which are chosen, what is staged. */
export function Foot({ staging, changes, selected, rows, canWrite, onClear, onDiscard, onDuplicate, onReview }: Props) {
  const isWrite = useWrite();
  const lines = [...selected.values()];
  const only = lines.length === 1 ? lines[0] : undefined;
  const total = number(rows.count);
  const isWaiting = rows.count === 0 && !rows.isWhole;
  const loaded = isWaiting ? (rows.error ? "" : shell.loading) : !rows.isWhole ? text.loaded(total) : rows.count === 1 ? text.endOne : text.end(total);
  return (
    <footer className="tables-foot">
      {lines.length ? (
        <>
          <span role="status">{text.selected(lines.length)}</span>
          {canWrite && only ? <Button onClick={() => onDuplicate(only)}>{text.duplicate}</Button> : null}
          {canWrite ? (
            <Button kind="danger" onClick={() => {
              staging.remove(lines);
              onClear();
            }}>
              {text.deleteRows(lines.length)}
            </Button>
          ) : null}
          <Button kind="quiet" title={text.clearSelection} aria-label={text.clearSelection} onClick={onClear}>✕</Button>
        </>
      ) : (
        <span className="muted">{loaded}</span>
      )}
      {staging.canUndo || staging.canRedo ? (
        <>
          {changes ? (
            <span role="status">
              <span className="tables-foot-staged">{text.changes(changes)}</span> <span className="muted tables-foot-about">{text.changesAbout}</span>
            </span>
          ) : null}
          <Button kind="quiet" title={text.undoTitle} aria-label={text.undo} disabled={!staging.canUndo} onClick={() => staging.undo()}>↶</Button>
          <Button kind="quiet" title={text.redoTitle} aria-label={text.redo} disabled={!staging.canRedo} onClick={() => staging.redo()}>↷</Button>
          {changes ? (
            <>
              <Button onClick={onDiscard}>{text.discard}</Button>
              <Button kind="primary" onClick={onReview}>{text.review}</Button>
            </>
          ) : null}
        </>
      ) : null}
      <span className="grow" />
      {canWrite ? null : (
        <span className="muted" title={isWrite ? text.notEditableHint : text.readOnlyHint}>
          <strong>{isWrite ? text.notEditable : text.readOnly}</strong>
          <span className="tables-foot-hint"> · {isWrite ? text.notEditableHint : text.readOnlyHint}</span>
        </span>
      )}
    </footer>
  );
}

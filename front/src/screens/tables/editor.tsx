import { type KeyboardEvent, useId, useLayoutEffect, useRef, useState } from "react";
import { Button } from "../../parts/basic";
import { Dialog } from "../../parts/dialog";
import { tables as text } from "../../text/tables";
import type { Column, ForeignKey, Given } from "./api";
import { usePicks } from "./asking";
import { fits, isTrue, prettyJson, survivesParsing } from "./values";

export type Then = "stay" | "down" | "right" | "left";

interface CellEditorProps {
  column: Column;
  /** The value to begin with; null for NULL. */
  value: string | null;
  /** Where the column refers to another table: its rows are offered. */
  link: ForeignKey | null;
  onDone: (given: Given, then: Then) => void;
  onCancel: () => void;
}

/** What a text in an editor stands for: nothing typed is NULL, save for texts. */
export const givenOf = (column: Column, typed: string): Given =>
  typed === "" && column.category !== "text" && column.nullable ? null : typed;

export const isFine = (column: Column, typed: string): boolean => givenOf(column, typed) === null || fits(column, typed);

const CHOICE_NULL = "null";
const CHOICE_DEFAULT = "default";

/** An editor in the place of a cell: Enter takes the value, Escape leaves it, Tab goes on. */
export function CellEditor({ column, value, link, onDone, onCancel }: CellEditorProps) {
  const labels = column.category === "boolean" ? ["true", "false"] : column.labels;
  const [typed, setTyped] = useState(value ?? "");
  const [isTouched, setTouched] = useState(false);
  const field = useRef<HTMLInputElement & HTMLSelectElement>(null);
  const finished = useRef(false);
  // Before the next key comes: the first letter typed belongs into the field already.
  useLayoutEffect(() => {
    field.current?.focus();
    if (field.current instanceof HTMLInputElement) field.current.select();
  }, []);
  const isWrong = labels === null && !isFine(column, typed);
  const done = (given: Given, then: Then) => {
    finished.current = true;
    onDone(given, then);
  };
  const leave = () => {
    finished.current = true;
    onCancel();
  };
  const take = (then: Then) => {
    if (isWrong) field.current?.focus();
    else if (!isTouched) leave();
    else done(givenOf(column, typed), then);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.nativeEvent.isComposing) return; // Enter takes what the input method offers
    if (event.key === "Escape") leave();
    else if (event.key === "Enter") take("down");
    else if (event.key === "Tab" && (isTouched || labels)) take(event.shiftKey ? "left" : "right");
    else return;
    event.preventDefault();
  };
  const onBlur = (event: React.FocusEvent) => {
    if (finished.current || event.currentTarget.contains(event.relatedTarget)) return;
    if (isTouched && !isWrong) done(givenOf(column, typed), "stay");
    else leave();
  };
  if (labels) {
    const current = value === null ? CHOICE_NULL : `=${column.category === "boolean" ? String(isTrue(value)) : value}`;
    const chosen = (choice: string) =>
      done(choice === CHOICE_NULL ? null : choice === CHOICE_DEFAULT ? { default: true } : choice.slice(1), "stay");
    return (
      <div className="tables-edit" onBlur={onBlur}>
        <select ref={field} aria-label={text.newValue(column.name)} defaultValue={current} onKeyDown={onKeyDown}
          onChange={(event) => chosen(event.target.value)}>
          {column.nullable || value === null ? <option value={CHOICE_NULL}>{text.null}</option> : null}
          {labels.map((label) => <option key={label} value={`=${label}`}>{label}</option>)}
          {column.default === null ? null : <option value={CHOICE_DEFAULT}>{text.byDefault(column.default)}</option>}
        </select>
      </div>
    );
  }
  return (
    <div className="tables-edit" onBlur={onBlur} onKeyDown={onKeyDown}>
      <input ref={field} aria-label={text.newValue(column.name)} aria-invalid={isWrong || undefined} value={typed}
        list={link ? "tables-picks" : undefined} spellCheck={false} autoComplete="off" placeholder={value === null ? text.null : undefined}
        className={column.category === "number" ? "number" : ""}
        onChange={(event) => {
          setTyped(event.target.value);
          setTouched(true);
        }} />
      {link ? <Picks link={link} at={link.columns.indexOf(column.name)} typed={isTouched ? typed : ""} /> : null}
      <span className="tables-edit-tools">
        <Button title={text.setNullTitle(column.name)} disabled={!column.nullable} onClick={() => done(null, "stay")}>{text.setNull}</Button>
        {column.default === null ? null : (
          <Button title={text.setDefaultTitle(column.name, column.default)} onClick={() => done({ default: true }, "stay")}>
            {text.setDefault}
          </Button>
        )}
      </span>
    </div>
  );
}

/** Rows that the value may refer to, offered by the browser below the field. */
function Picks({ link, at, typed }: { link: ForeignKey; at: number; typed: string }) {
  const { data } = usePicks({ schema: link.schema, table: link.table }, link.others, typed);
  const found = new Map((data?.picks ?? []).map(({ values, label }) => [values[at] ?? "", label ?? ""]));
  return (
    <datalist id="tables-picks">
      {[...found].map(([value, label]) => <option key={value} value={value} label={label} />)}
    </datalist>
  );
}

interface ValueDialogProps {
  column: Column;
  value: string | null;
  onDone: (given: Given) => void;
  onClose: () => void;
}

/** A large field for JSON and long texts. */
export function ValueDialog({ column, value, onDone, onClose }: ValueDialogProps) {
  const isJson = column.category === "json";
  const [begun] = useState(() => (isJson && value && survivesParsing(value) ? prettyJson(value) : (value ?? "")));
  const [typed, setTyped] = useState(begun);
  const isWrong = !isFine(column, typed);
  const id = useId();
  return (
    <Dialog wide keeps={typed !== begun} title={text.edit(column.name)} onClose={onClose}
      actions={
        <>
          {column.nullable ? <Button title={text.setNullTitle(column.name)} onClick={() => onDone(null)}>{text.setNull}</Button> : null}
          {column.default === null ? null : (
            <Button title={text.setDefaultTitle(column.name, column.default)} onClick={() => onDone({ default: true })}>{text.setDefault}</Button>
          )}
          <span className="grow" />
          <Button onClick={onClose}>{text.cancel}</Button>
          <Button kind="primary" disabled={isWrong} onClick={() => onDone(givenOf(column, typed))}>{text.save}</Button>
        </>
      }>
      <textarea className="tables-json-input" aria-label={text.newValue(column.name)} aria-invalid={isWrong || undefined}
        aria-describedby={id} value={typed} spellCheck={!isJson} onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !isWrong) onDone(givenOf(column, typed));
        }} />
      <p id={id} className={isWrong ? "tables-wrong" : "muted"} aria-live="polite">
        {isWrong ? (isJson ? text.badJson : text.badNumber) : column.type}
      </p>
    </Dialog>
  );
}

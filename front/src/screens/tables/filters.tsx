import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Button } from "../../parts/basic";
import { Dialog } from "../../parts/dialog";
import { tables as text } from "../../text/tables";
import type { Column, Condition, Filter, Op } from "./api";
import { describeAny, operatorsOf, pathOf, pathText, takesNoValue } from "./operators";
import { fits } from "./values";

interface FormProps {
  columns: Column[];
  begun: Condition | null;
  onApply: (condition: Condition) => void;
  onClose: () => void;
}

const textOfValue = (value: string | string[] | undefined): string => (Array.isArray(value) ? value.join("\n") : (value ?? ""));

function Field({ label, children }: { label: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="tables-field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
    </div>
  );
}

/** Asks for one filter: a column, what of it, and a value. */
function FilterForm({ columns, begun, onApply, onClose }: FormProps) {
  const [columnName, setColumnName] = useState(begun?.column ?? columns[0]?.name ?? "");
  const [path, setPath] = useState(pathText(begun?.path ?? []));
  const [chosen, setOp] = useState<Op | null>(begun?.op ?? null);
  const [value, setValue] = useState(textOfValue(begun?.value));
  const column = columns.find(({ name }) => name === columnName);
  if (!column) return null;
  const steps = column.category === "json" ? pathOf(path) : [];
  const operators = operatorsOf(column, steps);
  const op = chosen !== null && operators.includes(chosen) ? chosen : (operators[0] ?? "=");
  const isList = op === "in";
  const labels = column.category === "boolean" ? ["true", "false"] : column.labels;
  const isChoice = labels !== null && !isList;
  const sent = isChoice && !labels.includes(value) ? (labels[0] ?? "") : value;
  const isCompared = !takesNoValue(op) && (op === "includes" || (column.category === "number" && !isList));
  const isWrong = isCompared && value !== "" && !fits(op === "includes" ? { ...column, category: "json" } : column, value);
  const isLacking = !takesNoValue(op) && sent === "" && (column.category !== "text" || op === "contains" || op === "starts");

  const apply = () => {
    if (isWrong || isLacking) return;
    const condition: Condition = { column: column.name, op };
    if (steps.length) condition.path = steps;
    if (!takesNoValue(op)) condition.value = isList ? value.split("\n").filter(Boolean) : sent;
    onApply(condition);
  };
  return (
    <Dialog title={text.addFilter} onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{text.cancel}</Button>
          <Button kind="primary" type="submit" form="tables-filter" disabled={isWrong || isLacking}>{text.applyFilter}</Button>
        </>
      }>
      <form id="tables-filter" className="tables-form"
        onSubmit={(event) => {
          event.preventDefault();
          apply();
        }}>
        <Field label={text.column}>
          {(id) => (
            <select id={id} value={columnName} autoFocus onChange={(event) => setColumnName(event.target.value)}>
              {columns.map(({ name }) => <option key={name} value={name}>{name}</option>)}
            </select>
          )}
        </Field>
        {column.category === "json" ? (
          <Field label={text.path}>
            {(id) => (
              <input id={id} value={path} placeholder={text.pathHint} spellCheck={false} autoComplete="off"
                onChange={(event) => setPath(event.target.value)} />
            )}
          </Field>
        ) : null}
        <Field label={text.operator}>
          {(id) => (
            <select id={id} value={op} onChange={(event) => setOp(event.target.value as Op)}>
              {operators.map((each) => <option key={each} value={each}>{text.operators[each]}</option>)}
            </select>
          )}
        </Field>
        {takesNoValue(op) ? null : (
          <Field label={isList ? text.values : text.value}>
            {(id) => isChoice ? (
              <select id={id} value={sent} onChange={(event) => setValue(event.target.value)}>
                {labels.map((label) => <option key={label} value={label}>{label}</option>)}
              </select>
            ) : isList ? (
              <textarea id={id} rows={4} value={value} spellCheck={false} onChange={(event) => setValue(event.target.value)} />
            ) : (
              <input id={id} value={value} spellCheck={false} autoComplete="off" aria-invalid={isWrong || undefined} onChange={(event) => setValue(event.target.value)} />
            )}
          </Field>
        )}
        {isWrong ? <p className="tables-wrong" role="alert">{op === "includes" ? text.badJson : text.badNumber}</p> : null}
      </form>
    </Dialog>
  );
}

interface BarProps {
  columns: Column[];
  filter: Filter;
  q: string;
  isAdding: boolean;
  onAdding: (isAdding: boolean) => void;
  onFilter: (filter: Filter) => void;
  onQuick: (q: string) => void;
}

/** What the rows are filtered by, and a field for a quick look. */
export function FilterBar({ columns, filter, q, isAdding, onAdding, onFilter, onQuick }: BarProps) {
  const [changed, setChanged] = useState<number | null>(null);
  const [typed, setTyped] = useState(q);
  const latest = useRef(q);
  useEffect(() => {
    // Back and forward change it from outside; what is being typed stays.
    if (q !== latest.current) setTyped(q);
    latest.current = q;
  }, [q]);
  useEffect(() => {
    if (typed === latest.current) return;
    const timer = setTimeout(() => {
      latest.current = typed;
      onQuick(typed);
    }, 350);
    return () => clearTimeout(timer);
  }, [typed, onQuick]);
  const bar = useRef<HTMLDivElement>(null);
  // The button that took a filter away went with it.
  const narrow = (next: Filter) => {
    onFilter(next);
    bar.current?.querySelector<HTMLElement>(".tables-add-filter")?.focus();
  };
  const part = changed === null ? undefined : filter[changed];
  const begun = part && !("any" in part) ? part : null;
  const close = () => {
    onAdding(false);
    setChanged(null);
  };
  return (
    <div ref={bar} className="tables-bar" role="group" aria-label={text.filters}>
      <input type="search" className="tables-quick" aria-label={text.quick} placeholder={text.quick} title={text.quickHint} value={typed}
        spellCheck={false} onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
          latest.current = typed;
          onQuick(typed);
        }} />
      {filter.map((each, at) => {
        const told = describeAny(each);
        return (
          <span key={`${at} ${told}`} className="tables-chip">
            <button type="button" title={`${text.editFilter}: ${told}`} disabled={"any" in each} onClick={() => setChanged(at)}>{told}</button>
            <button type="button" aria-label={text.removeFilter(told)} onClick={() => narrow(filter.filter((_, other) => other !== at))}>✕</button>
          </span>
        );
      })}
      <Button className="tables-add-filter" onClick={() => onAdding(true)}>+ {text.addFilter}</Button>
      {filter.length > 1 ? <Button kind="quiet" onClick={() => narrow([])}>{text.clearFilters}</Button> : null}
      {isAdding || begun ? (
        <FilterForm columns={columns} begun={begun} onClose={close}
          onApply={(condition) => {
            close();
            onFilter(begun ? filter.map((each, at) => (at === changed ? condition : each)) : [...filter, condition]);
          }} />
      ) : null}
    </div>
  );
}

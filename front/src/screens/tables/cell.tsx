import { useState } from "react";
import { bytes, oneLine } from "../../format";
import { Badge } from "../../parts/basic";
import { say } from "../../parts/toast";
import { told } from "../../parts/basic";
import { tables as text } from "../../text/tables";
import type { Cell, Column, Given, Key } from "./api";
import { type Name, revealCell } from "./asking";
import { exactTime, idOf, isCut, isDefault, isMasked, isTrue, shortTime } from "./values";

export const Null = () => <span className="tables-null">{text.null}</span>;

/** A text of a column on one line, as its type asks for. */
export function Short({ column, value }: { column: Column; value: string }) {
  if (value === "" && column.category === "text") return <span className="tables-empty-text">{text.emptyText}</span>;
  switch (column.category) {
    case "boolean":
      return <Badge tone={isTrue(value) ? "good" : "neutral"}>{isTrue(value) ? "true" : "false"}</Badge>;
    case "enum":
      return <Badge tone="accent">{value}</Badge>;
    case "time":
      return (
        <span className="tables-cell-text" title={exactTime(value)}>
          {shortTime(value)}
        </span>
      );
    case "json":
    case "bytes":
    case "uuid":
      return <span className="tables-cell-text mono">{oneLine(value)}</span>;
    default:
      return <span className="tables-cell-text" dir="auto">{oneLine(value)}</span>;
  }
}

interface SecretProps {
  name: Name;
  column: Column;
  rowKey: Key | null;
  canShow: boolean;
  isWhole?: boolean;
}

/** A secret stays with the server until somebody who may write asks for this very one. */
export function Secret({ name, column, rowKey, canShow, isWhole = false }: SecretProps) {
  const [shown, setShown] = useState<string | null>(null);
  if (shown !== null) {
    return <span className={isWhole ? "tables-long mono" : "tables-cell-text mono"}>{isWhole ? shown : oneLine(shown)}</span>;
  }
  const reveal = async () => {
    if (!rowKey) return;
    try {
      setShown((await revealCell(name, rowKey, column.name)).text ?? "");
    } catch (error) {
      say(told(error).message);
    }
  };
  return (
    <>
      <span className="muted" title={text.maskedTitle}>
        {text.masked}
      </span>
      {canShow && rowKey ? (
        <button type="button" className="tables-show" tabIndex={isWhole ? 0 : -1} title={text.showTitle}
          aria-label={`${text.showTitle}: ${column.name}`} onClick={() => void reveal()}>
          {text.show}
        </button>
      ) : null}
    </>
  );
}

interface ValueProps {
  name: Name;
  column: Column;
  cell: Cell | undefined;
  rowKey: Key | null;
  canShow: boolean;
}

/** What a cell of the grid shows. */
export function Value({ name, column, cell, rowKey, canShow }: ValueProps) {
  if (cell === undefined) return <span className="loading-line" />;
  if (cell === null) return <Null />;
  if (isMasked(cell)) return <Secret key={rowKey && idOf(rowKey)} name={name} column={column} rowKey={rowKey} canShow={canShow} />;
  if (!isCut(cell)) return <Short column={column} value={cell} />;
  return (
    <>
      <Short column={column} value={cell.text} />
      <span className="tables-more" title={text.sizeTitle}>
        {bytes(cell.bytes)}
      </span>
    </>
  );
}

/** What a staged value shows. */
export function StagedValue({ column, given }: { column: Column; given: Given | undefined }) {
  if (given === undefined) return <span className="tables-null">{emptyNote(column)}</span>;
  if (given === null) return <Null />;
  if (isDefault(given)) return <span className="tables-null">{text.byDefault(column.default ?? "")}</span>;
  return <Short column={column} value={given} />;
}

/** What becomes of a column that a new row says nothing about. */
export function emptyNote(column: Column): string {
  if (column.generated || column.identity) return text.generated;
  if (column.default !== null) return text.byDefault(column.default);
  return column.nullable ? text.null : text.required;
}

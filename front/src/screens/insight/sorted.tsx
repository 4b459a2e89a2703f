import { type ReactNode, useMemo } from "react";
import { useParams } from "../../address";

export interface Column<T> {
  key: string;
  title: string;
  /** What it is sorted by; a column without is not sorted. Numbers stand at the end of their cell. */
  by?: (row: T) => number | string | null;
  isNumber?: boolean;
  /** Takes the width that the others leave, and cuts its text off there. */
  isWide?: boolean;
  cell: (row: T) => ReactNode;
}

interface SortedProps<T> {
  /** Short and unique on the screen: the order stands in the address under it. */
  name: string;
  title: string;
  columns: Column<T>[];
  rows: T[];
  keyOf: (row: T) => string;
}

function compare(left: number | string | null, right: number | string | null): number {
  if (left === right) return 0;
  if (left === null) return 1;
  if (right === null) return -1;
  return typeof left === "number" && typeof right === "number" ? left - right : String(left).localeCompare(String(right), "en");
}

/** A table whose heads sort it: a number downwards first, a text upwards. */
export function SortedTable<T>({ name, title, columns, rows, keyOf }: SortedProps<T>) {
  const [params, change] = useParams();
  const given = params.get(`sort-${name}`) ?? "";
  const isDown = given.startsWith("-");
  const key = given.replace(/^-/, "");
  const column = columns.find((each) => each.key === key && each.by);
  const shown = useMemo(() => {
    const by = column?.by;
    if (!by) return rows;
    return [...rows].sort((left, right) => compare(by(left), by(right)) * (isDown ? -1 : 1));
  }, [rows, column, isDown]);
  const sort = (each: Column<T>) => {
    const first = each.isNumber ? "-" : "";
    const next = each.key !== key ? first + each.key : isDown ? each.key : `-${each.key}`;
    change({ [`sort-${name}`]: next }, "replace");
  };
  return (
    <div className="scroll-x" role="group" aria-label={title} tabIndex={0}>
      <table className="plain">
        <caption className="hidden">{title}</caption>
        <thead>
          <tr>
            {columns.map((each) => {
              const state = each.key === key && each.by ? (isDown ? "descending" : "ascending") : undefined;
              return (
                <th key={each.key} scope="col" className={each.isNumber ? "number" : undefined} aria-sort={state}>
                  {each.by ? (
                    <button type="button" className="insight-sort" onClick={() => sort(each)}>
                      {each.title}
                      <span aria-hidden="true" className="insight-arrow">
                        {state === "descending" ? "▾" : state === "ascending" ? "▴" : ""}
                      </span>
                    </button>
                  ) : (
                    each.title
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((each) => (
                <td key={each.key} className={each.isNumber ? "number" : each.isWide ? "insight-grow" : undefined}>
                  {each.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

import type { ReactNode } from "react";
import { ago, bytes, exactTime, number } from "../../format";
import { tablePage as text } from "../../text/schema";
import type { TablePage } from "./api";

/** What a table holds and takes, at one look. */
export function StatisticsView({ page }: { page: TablePage }) {
  const of = page.statistics;
  const all = (of.rows ?? 0) + of.dead;
  const share = all > 0 ? Math.round((of.dead / all) * 100) : 0;
  return (
    <dl className="schema-facts panel" aria-label={text.statistics}>
      <Fact title={text.rowsEstimated} value={of.rows === null ? text.unknownRows : number(of.rows)} />
      <Fact title={text.dead} value={number(of.dead)} beside={of.dead ? `${share} %` : ""} />
      <Fact
        title={text.size}
        value={bytes(of.bytes)}
        beside={`${text.heap} ${bytes(of.heap_bytes)} · ${text.indexBytes} ${bytes(of.index_bytes)} · ${text.toast} ${bytes(of.toast_bytes)}`}
      />
      <Fact title={text.reads} value={`${number(of.whole_reads)} / ${number(of.index_reads)}`} beside={text.readsBeside} />
      <Fact
        title={text.changes}
        value={[of.inserted, of.updated, of.deleted].map(number).join(" · ")}
        beside={text.changesBeside}
      />
      <Fact title={text.vacuumed} value={<When at={of.vacuumed} />} />
      <Fact title={text.analyzed} value={<When at={of.analyzed} />} beside={of.changed ? text.changed(number(of.changed)) : ""} />
    </dl>
  );
}

function When({ at }: { at: string | null }) {
  return at ? <time dateTime={at} title={exactTime(at)}>{ago(at)}</time> : text.never;
}

function Fact({ title, value, beside = "" }: { title: string; value: ReactNode; beside?: string }) {
  return (
    <div>
      <dt className="muted">{title}</dt>
      <dd className="schema-fact">{value}</dd>
      {beside ? <dd className="schema-beside muted">{beside}</dd> : null}
    </div>
  );
}

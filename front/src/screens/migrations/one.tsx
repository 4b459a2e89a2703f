import { useMemo } from "react";
import { useSWRConfig } from "swr";
import { Link, useLocation } from "wouter";
import { useAsk } from "../../api";
import { useParams } from "../../address";
import { type Command, useCommands } from "../../commands";
import { exactTime, number } from "../../format";
import { useWrite } from "../../overview";
import { Answer, Badge, Button, Empty, Failure, Page } from "../../parts/basic";
import { SqlText } from "../../parts/sql-text";
import { migrations as text } from "../../text/migrations";
import { fileOf, type Listing, pageOf, type ReviewOf, type Whole } from "./api";
import { Changes } from "./changes";
import { ReviewTab } from "./review";
import { Applied, StateBadge } from "./state";
import { Tabs } from "./tabs";
import { Words } from "../../parts/words";

const TABS = ["sql", "changes", "review", "reverse"] as const;

/** One migration: its file, what it changes, what the review says, its reverse. */
export function One({ tag }: { tag: string }) {
  const asked = useAsk<Whole>(fileOf(tag), { keepPreviousData: false });
  const listing = useAsk<Listing>("migrations").data;
  const [params, change] = useParams();
  const tab = TABS.find((each) => each === params.get("tab")) ?? "sql";
  const all = listing?.migrations ?? [];
  const here = all.findIndex((each) => each.tag === tag);
  const [earlier, later] = [all[here - 1]?.tag, here < 0 ? undefined : all[here + 1]?.tag];
  useNeighbours(earlier, later);
  return (
    <Page
      title={tag}
      about={
        <span className="row">
          <Link href="/migrations">{text.back}</Link>
          {earlier ? <Link href={pageOf(earlier)}>← {text.previous}</Link> : null}
          {later ? <Link href={pageOf(later)}>{text.next} →</Link> : null}
        </span>
      }
      actions={<Doing of={all[here]} newer={all.slice(here).filter((each) => each.state === "applied").length} />}
    >
      <Answer of={asked} lines={12}>
        {(data) => (
          <>
            <Facts of={data} />
            <Tabs
              label={text.tabs.label}
              chosen={tab}
              tabs={TABS.map((each) => [each, text.tabs[each]])}
              onChoose={(next) => change({ tab: next === "sql" ? null : next }, "replace")}
            >
              {tab === "sql" ? <Sql of={data} /> : null}
              {tab === "changes" ? <Changes tag={tag} /> : null}
              {tab === "review" ? <ReviewTab tag={tag} /> : null}
              {tab === "reverse" ? <Reverse of={data} /> : null}
            </Tabs>
          </>
        )}
      </Answer>
    </Page>
  );
}

function Doing({ of, newer }: { of: Listing["migrations"][number] | undefined; newer: number }) {
  const [, change] = useParams();
  const write = useWrite();
  if (!of || !write) return null;
  if (of.state === "pending" || of.state === "running") {
    return (
      <Button kind="primary" onClick={() => change({ show: "apply", to: of.tag })}>
        {text.applyTo}
      </Button>
    );
  }
  return of.state === "applied" || of.state === "reversing" ? (
    <Button onClick={() => change({ show: "rollback", steps: String(newer || 1) })}>{text.rollbackTo}</Button>
  ) : null;
}

function Facts({ of }: { of: Whole }) {
  return (
    <div className="stack">
      <div className="row migrations-facts">
        <StateBadge state={of.state} />
        <Applied of={of} />
        <span className="muted">{text.statements(of.statements)}</span>
        <span className="muted">{of.transaction ? text.transaction : text.noTransaction}</span>
        <span className="muted mono" title={of.hash}>
          {text.hash(of.hash)}
        </span>
        <time className="muted" dateTime={new Date(of.when).toISOString()}>
          {text.dated(exactTime(new Date(of.when).toISOString()))}
        </time>
      </div>
      {of.advice ? (
        <div className="migrations-notes">
          <p>{of.words}.</p>
          <p>
            <Words of={of.advice} />
          </p>
        </div>
      ) : null}
      {of.error ? <Failure error={{ refusal: of.error }} /> : null}
    </div>
  );
}

function Sql({ of }: { of: Whole }) {
  const { cache } = useSWRConfig();
  // Only what a review said before: it is not asked for here.
  const data = cache.get(`${fileOf(of.tag)}/review`)?.data as ReviewOf | undefined;
  const marks = useMemo(() => {
    const found = data?.migrations[0]?.findings.filter((each) => each.acknowledged === null && each.severity !== "note") ?? [];
    return new Map([...found].reverse().map((each) => [each.line, each.severity === "danger" ? "bad" : "warn"] as const));
  }, [data]);
  return (
    <div className="stack">
      {of.characters > of.sql.length ? <p className="muted">{text.cut(number(of.sql.length), number(of.characters))}</p> : null}
      <SqlText sql={of.sql} label={text.sqlOf(of.file)} marks={marks} copies />
    </div>
  );
}

function Reverse({ of: { reverse } }: { of: Whole }) {
  if (reverse.sql === null) {
    return (
      <Empty title={text.reverse.none}>
        <p>
          <Words of={reverse.fault} />
        </p>
        <p>{text.reverse.noneHint(reverse.file)}</p>
      </Empty>
    );
  }
  return (
    <div className="stack">
      <div className="row">
        <Badge tone={reverse.loses.length ? "warn" : "good"}>{reverse.loses.length ? text.reverse.loses : text.reverse.keeps}</Badge>
        <Badge>{reverse.generated ? text.reverse.generated : text.reverse.byHand}</Badge>
        <span className="muted">{reverse.proved ? text.reverse.proved : text.reverse.unproved}</span>
      </div>
      {reverse.fault ? <div className="migrations-notes">{reverse.fault}</div> : null}
      {reverse.loses.length ? (
        <ul className="migrations-list">
          {reverse.loses.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      ) : null}
      <SqlText sql={reverse.sql} label={text.sqlOf(reverse.file)} copies />
    </div>
  );
}

function useNeighbours(earlier: string | undefined, later: string | undefined): void {
  const [, navigate] = useLocation();
  const commands = useMemo(() => {
    const found: Command[] = [{ id: "migrations-all", title: text.back, group: text.commands.group, run: () => navigate("/migrations") }];
    for (const tag of [earlier, later]) {
      if (!tag) continue;
      found.push({ id: `migrations-${tag}`, title: text.commands.open(tag), group: text.commands.group, run: () => navigate(pageOf(tag)) });
    }
    return found;
  }, [earlier, later, navigate]);
  useCommands(commands);
}

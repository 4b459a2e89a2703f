import "../../styles/insight.css";
import { useMemo } from "react";
import { Link, useLocation, useRoute, useSearch } from "wouter";
import { useAsk } from "../../api";
import { type Command, useCommands } from "../../commands";
import { Answer, Empty, Page } from "../../parts/basic";
import { insight } from "../../text/insight";
import { shell } from "../../text/shell";
import { Activity } from "./activity";
import { Cache } from "./cache";
import { LENGTHS, PeriodChooser } from "./period";
import { Statements } from "./statements";
import { Usage } from "./usage";

const PARTS = ["usage", "activity", "cache", "statements"] as const;
type Part = (typeof PARTS)[number];

/** Which figures this database has: a schema without the tables has none of them. */
interface Has {
  usage: boolean;
  activity: string[];
  cache: boolean;
}

/** The period goes along from one part to another; the order of a table does not. */
function linkTo(part: Part, search: string): string {
  const before = new URLSearchParams(search);
  const kept = new URLSearchParams();
  for (const name of ["days", "since", "until"]) {
    const value = before.get(name);
    if (value) kept.set(name, value);
  }
  const text = kept.toString();
  return text ? `/insight/${part}?${text}` : `/insight/${part}`;
}

function Tabs({ part }: { part: Part }) {
  const search = useSearch();
  return (
    <nav aria-label={insight.partsLabel} className="insight-tabs">
      {PARTS.map((each) => (
        <Link key={each} href={linkTo(each, search)} className="insight-tab" aria-current={each === part ? "page" : undefined}>
          {insight.parts[each]}
        </Link>
      ))}
    </nav>
  );
}

function useOwnCommands(part: Part): void {
  const search = useSearch();
  const [, navigate] = useLocation();
  const commands = useMemo<Command[]>(
    () => [
      ...PARTS.map((each) => ({
        id: `insight-${each}`,
        title: insight.goTo(insight.parts[each]),
        group: insight.group,
        run: () => navigate(linkTo(each, search)),
      })),
      ...LENGTHS.map((days) => ({
        id: `insight-days-${days}`,
        title: insight.period.show(days),
        group: insight.group,
        run: () => navigate(linkTo(part, `days=${days}`)),
      })),
    ],
    [part, search, navigate],
  );
  useCommands(commands);
}

function Absent({ words }: { words: { absent: string; absentHint: string } }) {
  return (
    <div className="panel insight-empty">
      <Empty title={words.absent}>{words.absentHint}</Empty>
    </div>
  );
}

function Shown({ part, has }: { part: Part; has: Has }) {
  if (part === "usage") return has.usage ? <Usage /> : <Absent words={insight.usage} />;
  if (part === "cache") return has.cache ? <Cache /> : <Absent words={insight.cache} />;
  return <Activity has={has.activity} />;
}

function Figures({ part }: { part: Part }) {
  const asked = useAsk<Has>("figures/parts");
  return <Answer of={asked}>{(has) => <Shown part={part} has={has} />}</Answer>;
}

export default function Insight() {
  const [, params] = useRoute("/insight/:part");
  const part = PARTS.find((each) => each === params?.part) ?? "usage";
  useOwnCommands(part);
  return (
    <Page title={`${shell.nav.insight}: ${insight.parts[part]}`} actions={part === "statements" ? undefined : <PeriodChooser />}>
      <Tabs part={part} />
      {part === "statements" ? <Statements /> : <Figures part={part} />}
    </Page>
  );
}

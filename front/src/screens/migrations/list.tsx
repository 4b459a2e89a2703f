import { type KeyboardEvent, useMemo } from "react";
import { Link, useLocation } from "wouter";
import { useAsk } from "../../api";
import { useParams } from "../../address";
import { type Command, useCommands } from "../../commands";
import { useWrite } from "../../overview";
import { Answer, Badge, Button, Empty, Failure, Page } from "../../parts/basic";
import { migrations as text } from "../../text/migrations";
import { type Listed, type Listing, pageOf } from "./api";
import { PendingReview } from "./review";
import { Applied, StateBadge } from "./state";
import { Tabs } from "./tabs";
import { Words } from "../../parts/words";

const FILTERS = ["all", "applied", "pending", "look"] as const;
type Filter = (typeof FILTERS)[number];
const NONE: Listed[] = [];

const passes: Record<Filter, (each: Listed) => boolean> = {
  all: () => true,
  applied: (each) => each.state === "applied",
  pending: (each) => each.state === "pending" || each.state === "running",
  look: (each) => !["applied", "pending"].includes(each.state),
};

/** The folder's migrations as a timeline, the newest first. */
export function List() {
  const asked = useAsk<Listing>("migrations", {
    refreshInterval: (data) => (data?.run?.state === "running" ? 1000 : 0),
  });
  const [params, change] = useParams();
  const write = useWrite();
  const view = params.get("view") === "review" ? "review" : "timeline";
  const listing = asked.data;
  useListCommands(listing?.migrations ?? NONE, write, change);
  const pending = listing?.migrations.filter(passes.pending).length ?? 0;
  const applied = listing?.migrations.filter(passes.applied).length ?? 0;
  return (
    <Page
      title={text.title}
      about={listing ? text.about(listing.folder, listing.place) : " "}
      actions={
        write && listing && !(listing.error && listing.migrations.length === 0) ? (
          <>
            {applied ? <Button onClick={() => change({ show: "rollback" })}>{text.rollback}</Button> : null}
            {pending ? (
              <Button kind="primary" onClick={() => change({ show: "apply" })}>
                {text.apply(pending)}
              </Button>
            ) : null}
          </>
        ) : null
      }
    >
      <Answer of={asked} lines={10}>
        {(data) =>
          data.error && data.migrations.length === 0 ? (
            <Failure error={{ refusal: data.error }} onRetry={() => void asked.mutate()} />
          ) : (
            <>
              <Notices listing={data} write={write} onRun={() => change({ show: "run" })} />
              <Tabs
                label={text.views.label}
                chosen={view}
                tabs={[
                  ["timeline", text.views.timeline],
                  ["review", text.views.review],
                ]}
                onChoose={(next) => change({ view: next === "review" ? next : null })}
              >
                {view === "review" ? <PendingReview /> : <Timeline all={data.migrations} />}
              </Tabs>
            </>
          )
        }
      </Answer>
    </Page>
  );
}

function Notices({ listing, write, onRun }: { listing: Listing; write: boolean; onRun: () => void }) {
  const { run, notes, strays, error } = listing;
  return (
    <>
      {error ? <Failure error={{ refusal: { ...error, hint: [error.hint, text.unread].filter(Boolean).join(" ") } }} /> : null}
      {run ? (
        <div className="migrations-run-note" role="status">
          <Badge tone={run.state === "done" ? "good" : run.state === "failed" ? "bad" : "accent"}>
            {text.run.states[run.state]}
          </Badge>
          <span>{run.state === "running" ? text.underWay : text.lastRun}</span>
          <Button onClick={onRun}>{text.look}</Button>
        </div>
      ) : null}
      {notes.length || strays.length ? (
        <section className="migrations-notes" aria-label={text.notes}>
          <ul>
            {notes.map((note) => (
              <li key={note}>
                <Words of={note} />
              </li>
            ))}
            {strays.length ? <li>{text.strays(strays.join(", "))}</li> : null}
          </ul>
        </section>
      ) : null}
      {write ? null : <p className="muted"><Words of={text.readOnly} /></p>}
    </>
  );
}

function Timeline({ all }: { all: Listed[] }) {
  const [params, change] = useParams();
  const filter = FILTERS.find((each) => each === params.get("state")) ?? "all";
  const shown = all.filter(passes[filter]).reverse();
  if (all.length === 0) return <Empty title={text.none}><Words of={text.noneHint} /></Empty>;
  return (
    <div className="stack">
      <div className="row" role="group" aria-label={text.filter}>
        {FILTERS.map((each) => (
          <button
            key={each}
            type="button"
            className="migrations-filter"
            aria-pressed={each === filter}
            onClick={() => change({ state: each === "all" ? null : each })}
          >
            {text.filters[each]} <span className="migrations-count">{all.filter(passes[each]).length}</span>
          </button>
        ))}
      </div>
      {shown.length === 0 ? (
        <Empty title={text.noneOfFilter}>{text.noneOfFilterHint}</Empty>
      ) : (
        <ol className="migrations-line" onKeyDown={walk} aria-label={text.title}>
          {shown.map((each) => (
            <li key={each.tag} className={`migrations-item migrations-is-${each.state}`}>
              <div className="migrations-item-head">
                <Link href={pageOf(each.tag)} className="migrations-tag">
                  {each.tag}
                </Link>
                <StateBadge state={each.state} />
                {each.reverse ? <Badge>{text.hasReverse}</Badge> : null}
              </div>
              <div className="migrations-item-more">
                <Applied of={each} />
                {each.advice ? (
                  <p>
                    {each.words}. <span className="muted"><Words of={each.advice} /></span>
                  </p>
                ) : null}
              </div>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

/** Arrows, or j and k, go from one migration to the next. */
function walk(event: KeyboardEvent<HTMLOListElement>): void {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>(".migrations-tag")];
  const here = links.findIndex((link) => link === document.activeElement);
  const next = links[here + step];
  if (here < 0 || !next) return;
  event.preventDefault();
  next.focus();
}

function useListCommands(all: Listed[], write: boolean, change: ReturnType<typeof useParams>[1]): void {
  const [, navigate] = useLocation();
  const commands = useMemo(() => {
    const { group, open, ...named } = text.commands;
    const command = (id: string, title: string, changes: Record<string, string | null>): Command => ({
      id: `migrations-${id}`,
      title,
      group,
      run: () => change(changes),
    });
    return [
      command("review", named.review, { view: "review" }),
      command("pending", named.pending, { view: null, state: "pending" }),
      command("run", named.run, { show: "run" }),
      ...(write
        ? [command("apply", named.apply, { show: "apply" }), command("rollback", named.rollback, { show: "rollback" })]
        : []),
      ...all
        .slice(-20)
        .reverse()
        .map(({ tag }): Command => ({ id: `migrations-${tag}`, title: open(tag), group, run: () => navigate(pageOf(tag)) })),
    ];
  }, [all, write, change, navigate]);
  useCommands(commands);
}

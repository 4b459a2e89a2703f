import { useEffect, useState } from "react";
import { useSWRConfig } from "swr";
import { ApiError, ask, follow } from "../../api";
import { milliseconds } from "../../format";
import { useWrite } from "../../overview";
import { Badge, Button, Empty, Failure, Loading, type Tone } from "../../parts/basic";
import { Dialog } from "../../parts/dialog";
import { say } from "../../parts/toast";
import { migrations as text } from "../../text/migrations";
import type { RunLine, RunState } from "./api";

type Line<K extends RunLine["kind"]> = Extract<RunLine, { kind: K }>;
interface Told {
  start?: Line<"start">;
  end?: Line<"end">;
  events: Line<"event">[];
  through: Map<string, number | undefined>;
  isStopping: boolean;
}
const NOTHING: Told = { events: [], through: new Map(), isStopping: false };
const TONES: Record<RunState, Tone> = { running: "accent", done: "good", failed: "bad", stopped: "warn" };
const said = text.run;

function heard(told: Told, line: RunLine): Told {
  switch (line.kind) {
    case "start":
      return { ...NOTHING, start: line, through: new Map(line.done.map((tag) => [tag, undefined])) };
    case "event":
      return { ...told, events: [...told.events, line].slice(-2000) };
    case "through":
      return { ...told, through: new Map(told.through).set(line.tag, line.seconds) };
    case "stopping":
      return { ...told, isStopping: true };
    case "end":
      return { ...told, end: line };
  }
}

/** A run from its first line, each as it comes; closing it stops nothing. */
export function RunDialog({ onClose }: { onClose: () => void }) {
  const { mutate } = useSWRConfig();
  const write = useWrite();
  const [told, setTold] = useState<Told>(NOTHING);
  const [error, setError] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const leaving = new AbortController();
    let ended: Line<"end"> | undefined;
    let begun: Line<"start"> | undefined;
    let isLive = false;
    setError(null);
    follow<RunLine>("migrations/run", { signal: leaving.signal }, (line) => {
      if (line.kind === "start") begun = line;
      if (line.kind === "end") ended = line;
      else isLive = isLive || Date.now() - Date.parse(line.at) < 3000;
      setTold((before) => heard(before, line));
    }).then(
      () => {
        if (!ended) return;
        // What every other screen shows may be another now.
        void mutate(() => true);
        if (isLive && begun && ended.state === "done") say(said.saidDone[begun.action](ended.done.length));
      },
      (failed: unknown) => {
        if (!leaving.signal.aborted) setError(failed);
      },
    );
    return () => leaving.abort();
  }, [attempt, mutate]);

  const state: RunState = told.end?.state ?? "running";
  const title = told.start ? said.title[told.start.action] : text.lastRun;
  return (
    <Dialog
      title={title}
      wide
      onClose={onClose}
      actions={
        <>
          {told.start && !told.end && write ? (
            <Button disabled={told.isStopping} onClick={() => void ask("migrations/run/stop", { method: "POST" }).catch(setError)}>
              {said.stop}
            </Button>
          ) : null}
          <Button kind="primary" onClick={onClose}>
            {said.close}
          </Button>
        </>
      }
    >
      {error instanceof ApiError && error.status === 404 ? (
        <Empty title={said.none} />
      ) : error ? (
        <Failure error={error} onRetry={() => setAttempt(attempt + 1)} />
      ) : told.start ? (
        <div className="stack">
          <div className="row" role="status">
            <Badge tone={TONES[state]}>{said.states[state]}</Badge>
            <span className="muted">{said.on(told.start.place)}</span>
            {told.isStopping && !told.end ? <span>{said.stopping}</span> : null}
          </div>
          <Steps told={told} tags={told.start.tags} />
          {told.end?.error ? <Failure error={{ refusal: told.end.error }} /> : null}
          {state === "done" || state === "stopped" ? <p>{said.ended[state]}</p> : null}
          {!told.end && told.events.length === 0 ? <p className="muted">{said.turn}</p> : null}
          <Log told={told} />
        </div>
      ) : (
        <Loading lines={5} />
      )}
    </Dialog>
  );
}

function Steps({ told, tags }: { told: Told; tags: string[] }) {
  const current = tags.find((tag) => !told.through.has(tag));
  return (
    <ol className="migrations-steps" aria-label={said.steps}>
      {tags.map((tag) => {
        const seconds = told.through.get(tag);
        const events = told.events.filter((each) => each.tag === tag);
        const last = events.findLast((each) => each.number !== undefined);
        const of = events.find((each) => each.what === "begun")?.of;
        const isWhole = !events.some((each) => each.text.includes("without a transaction"));
        const [tone, words] = stepState(told, tag, current, events.length > 0, isWhole);
        return (
          <li key={tag} className={`migrations-step migrations-step-${tone}`}>
            <span className="mono">{tag}</span>
            <span className="migrations-step-state">
              {words}
              {seconds === undefined ? "" : ` · ${milliseconds(seconds * 1000)}`}
              {tag === current && !told.end && last?.number && of ? ` · ${said.statement(last.number, of)}` : ""}
            </span>
            {tag === current && !told.end && of ? <progress max={of} value={last?.number ?? 0} aria-label={tag} /> : null}
          </li>
        );
      })}
    </ol>
  );
}

function stepState(told: Told, tag: string, current: string | undefined, hasBegun: boolean, isWhole: boolean): [string, string] {
  if (told.through.has(tag)) return ["done", said.step.done];
  if (!told.end) return tag === current && hasBegun ? ["running", said.step.running] : ["waiting", said.step.waiting];
  if (told.end.state === "done") return ["done", said.step.there];
  if (told.end.state === "failed" && tag === current && hasBegun) return ["failed", isWhole ? said.step.failed : said.halfLeft];
  return ["waiting", said.step.left];
}

function Log({ told }: { told: Told }) {
  const lines = told.events.filter((each) => each.text);
  if (lines.length === 0) return null;
  return (
    <div className="migrations-log" role="log" aria-label={said.log} tabIndex={0}>
      {lines.map((line, index) => (
        <div key={index} className={line.usual ? "" : "migrations-unusual"}>
          {line.text}
        </div>
      ))}
    </div>
  );
}

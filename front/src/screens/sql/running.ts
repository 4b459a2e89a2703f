import { useEffect, useRef, useState } from "react";
import { ask } from "../../api";
import type { Piece } from "../../parts/editor/editor";
import { cancelRun, type Limits, type Outcome, type Planned, type Trouble } from "./api";

export interface Choices extends Limits {
  write: boolean;
  single: boolean;
}

/** What is shown below the editor: the last run, or the last plan. */
export type Shown =
  | { kind: "run"; outcome: Outcome; from: number }
  | { kind: "plan"; planned: Planned; from: number }
  | { kind: "failure"; error: unknown };

interface Under {
  id: string;
  since: number;
}

/** The first error of what was run, at its place in the editor. */
export function troubleOf(shown: Shown): { trouble: Trouble; place: number | null } | null {
  if (shown.kind === "failure") return null;
  const trouble =
    shown.kind === "plan"
      ? shown.planned.error
      : (shown.outcome.statements.find((each) => each.error !== null)?.error ?? null);
  if (!trouble) return null;
  return { trouble, place: trouble.place === null ? null : shown.from + trouble.place };
}

/** A name for a run. (`randomUUID` is there only on https and on this computer.) */
const newId = (): string => [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16)).join("-");

/** Runs of this screen: one at a time, and none that goes on when the screen is left. */
export function useRuns(told: (shown: Shown) => void) {
  const [under, setUnder] = useState<Under | null>(null);
  const abort = useRef<AbortController>(null);
  useEffect(() => () => abort.current?.abort(), []); // leaving stops the run: the server sees the line cut

  const start = async <T>(id: string, path: string, body: unknown, show: (answer: T) => Shown) => {
    if (abort.current) return;
    const controller = new AbortController();
    abort.current = controller;
    setUnder({ id, since: Date.now() });
    try {
      told(show(await ask<T>(path, { method: "POST", body, signal: controller.signal })));
    } catch (error) {
      if (!controller.signal.aborted) told({ kind: "failure", error });
    } finally {
      abort.current = null;
      setUnder(null);
    }
  };

  const run = (piece: Piece, { rows, seconds, write, single }: Choices) => {
    const id = newId();
    const body = { id, sql: piece.text, rows, seconds, write, transaction: !(write && single) };
    void start<Outcome>(id, "console/runs", body, (outcome) => ({ kind: "run", outcome, from: piece.from }));
  };
  const plan = (piece: Piece, analyze: boolean, seconds: number) => {
    const id = newId();
    const body = { id, sql: piece.text, analyze, seconds };
    void start<Planned>(id, "console/plans", body, (planned) => ({ kind: "plan", planned, from: piece.from }));
  };
  const cancel = () => {
    const asked = abort.current;
    // Where the server cannot be told, the line is cut; by then another run may have begun.
    if (under) void cancelRun(under.id).catch(() => asked?.abort());
  };
  return { under, run, plan, cancel };
}

/** Seconds since a run began, anew each tenth of a second. */
export function useElapsed(since: number | null): string {
  const [now, setNow] = useState(0);
  useEffect(() => {
    if (since === null) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 100);
    return () => clearInterval(timer);
  }, [since]);
  return since === null ? "0.0" : (Math.max(0, now - since) / 1000).toFixed(1);
}

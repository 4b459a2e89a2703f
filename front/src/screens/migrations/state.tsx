import { ago, exactTime, milliseconds } from "../../format";
import { Badge, type Tone } from "../../parts/basic";
import { migrations as text } from "../../text/migrations";
import type { State } from "./api";

export const TONES: Record<State, Tone> = {
  applied: "good",
  pending: "accent",
  running: "bad",
  reversing: "bad",
  edited: "warn",
  redated: "warn",
  unread: "neutral",
};

export function StateBadge({ state }: { state: State }) {
  return <Badge tone={TONES[state]}>{text.states[state]}</Badge>;
}

/** When it was applied and how long it took, as far as anybody noted it. */
export function Applied({ of }: { of: { state: State; applied: string | null; seconds: number | null } }) {
  if (of.applied === null) return of.state === "applied" ? <span className="muted">{text.appliedUnknown}</span> : null;
  return (
    <span className="muted">
      <time dateTime={of.applied} title={exactTime(of.applied)}>
        {text.appliedAt(ago(of.applied))}
      </time>
      {of.seconds === null ? null : ` · ${text.took(milliseconds(of.seconds * 1000))}`}
    </span>
  );
}

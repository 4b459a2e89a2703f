import "../../styles/sql-plan.css";
import { bytes, compact, milliseconds, number } from "../../format";
import { Badge, Empty } from "../../parts/basic";
import { sql } from "../../text/sql";
import { every, isOff, type Plan, planOf, type Step } from "./plan";

const percent = (share: number): string => `${Math.round(share * 100)} %`;
const rows = (count: number): string => (count < 10_000 ? number(Math.round(count * 100) / 100) : compact(count));
const title = (step: Step): string => sql.node[step.kind] ?? step.kind;
const named = (step: Step): string => (step.on ? `${title(step)} ${sql.on(step.on)}` : title(step));
const factor = (off: number): string => compact(off >= 1 ? off : 1 / off);

/** What a reader should look at first, the weightiest before. */
function standing({ root, measured }: Plan): string[] {
  const steps = every(root);
  const told: string[] = [];
  const slowest = steps.reduce((most, step) => (step.share > most.share ? step : most), root);
  if (measured && steps.length > 1 && slowest.share >= 0.5)
    told.push(sql.outstanding.slowest(named(slowest), percent(slowest.share)));
  for (const step of steps) {
    if (step.whole && step.removed >= 1000 && step.removed > 10 * (step.actual ?? 0) * step.loops)
      told.push(sql.outstanding.whole(step.on ?? "", rows(step.removed)));
    if (isOff(step)) {
      const say = step.kind === "Function Scan" ? sql.outstanding.guessed : sql.outstanding.off;
      told.push(say(named(step), factor(step.off ?? 1)));
    }
    if (step.spilled > 0) told.push(sql.outstanding.spilled(named(step), bytes(step.spilled)));
    if (step.loops >= 1000) told.push(sql.outstanding.loops(named(step), rows(step.loops)));
  }
  const read = steps.reduce((sum, step) => sum + step.read, 0);
  if (read >= 16 * 1024 * 1024) told.push(sql.outstanding.disk(bytes(read)));
  return [...new Set(told)].slice(0, 8);
}

function Facts({ step, measured }: { step: Step; measured: boolean }) {
  const facts = [
    sql.estimated(rows(step.expected)),
    ...(measured ? [step.actual === null ? sql.never : sql.actual(rows(step.actual), rows(step.loops))] : []),
    measured ? sql.own(milliseconds(step.own)) : sql.ownCost(rows(step.own)),
    ...(step.removed > 0 ? [sql.removed(rows(step.removed))] : []),
    ...(step.read + step.hit > 0 ? [sql.blocks(bytes(step.read), bytes(step.hit))] : []),
    ...(step.spilled > 0 ? [sql.spilled(bytes(step.spilled))] : []),
  ];
  return (
    <p className="console-facts muted">
      {facts.map((fact) => (
        <span key={fact}>{fact}</span>
      ))}
    </p>
  );
}

function Node({ step, measured }: { step: Step; measured: boolean }) {
  return (
    <li className="console-step">
      <div className="console-step-card">
        <div className="console-step-head">
          <strong>{title(step)}</strong>
          {step.on ? <span className="mono">{step.on}</span> : null}
          {step.index ? <Badge tone="good">{sql.byIndex(step.index)}</Badge> : null}
          {step.whole ? <Badge tone={step.removed >= 1000 ? "warn" : "neutral"}>{sql.whole}</Badge> : null}
          {isOff(step) ? (
            <Badge tone="bad">{(step.off ?? 1) > 1 ? sql.tooFew(factor(step.off ?? 1)) : sql.tooMany(factor(step.off ?? 1))}</Badge>
          ) : null}
          <span className="grow" />
          <span className="console-share" title={sql.share(percent(step.share))}>
            <span className="console-bar-of" aria-hidden="true">
              <span style={{ width: percent(step.share).replace(" ", "") }} />
            </span>
            <span className="number muted">{percent(step.share)}</span>
          </span>
        </div>
        <Facts step={step} measured={measured} />
        {step.conditions.length > 0 ? (
          <dl className="console-conditions">
            {step.conditions.map(([kind, text]) => (
              <div key={kind}>
                <dt className="muted">{sql.conditions[kind] ?? kind}</dt>
                <dd className="mono">{text}</dd>
              </div>
            ))}
          </dl>
        ) : null}
      </div>
      {step.children.length > 0 ? (
        <ol>
          {step.children.map((child, place) => (
            <Node key={place} step={child} measured={measured} />
          ))}
        </ol>
      ) : null}
    </li>
  );
}

/** A plan as a tree of steps, with what stands out above it. */
export function PlanView({ told }: { told: Record<string, unknown> }) {
  const plan = planOf(told);
  if (!plan) return <Empty title={sql.nothingStandsOut} />;
  const outstanding = standing(plan);
  return (
    <div className="console-plan" role="region" aria-label={sql.planOf} tabIndex={0}>
      <section className="panel stack">
        <h2>{sql.standsOut}</h2>
        <p className="muted">
          {plan.measured ? sql.planMeasured(milliseconds(plan.execution), milliseconds(plan.planning)) : sql.planEstimate}
        </p>
        {outstanding.length > 0 ? (
          <ul className="console-outstanding">
            {outstanding.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        ) : (
          <p>{sql.nothingStandsOut}</p>
        )}
      </section>
      <h2>{sql.steps}</h2>
      <ol className="console-steps">
        <Node step={plan.root} measured={plan.measured} />
      </ol>
    </div>
  );
}

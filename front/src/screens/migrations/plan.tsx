import { useState } from "react";
import { useSWRConfig } from "swr";
import { useRoute } from "wouter";
import { address, ApiError, ask, useAsk } from "../../api";
import { useParams } from "../../address";
import { useWrite } from "../../overview";
import { Answer, Button, Empty, Failure } from "../../parts/basic";
import { Dialog } from "../../parts/dialog";
import { SqlText } from "../../parts/sql-text";
import { Words } from "../../parts/words";
import { migrations as text } from "../../text/migrations";
import { type Action, databaseOf, type Plan } from "./api";

const said = text.plan;

/** What would be sent, to which database; then the button that does it. */
export function PlanDialog({ action, onClose }: { action: Action; onClose: () => void }) {
  const [params, change] = useParams();
  const [isOne] = useRoute("/migrations/:tag");
  const { mutate } = useSWRConfig();
  const write = useWrite();
  const steps = Math.max(1, Number.parseInt(params.get("steps") ?? "1", 10) || 1);
  const [typed, setTyped] = useState(String(steps)); // emptied, it is not filled with 1 at once
  const path = action === "apply" ? address("migrations/apply", { to: params.get("to") }) : address("migrations/rollback", { steps });
  const asked = useAsk<Plan>(path, { keepPreviousData: false, dedupingInterval: 0 });
  const [lockWait, setLockWait] = useState("60");
  const [accepted, setAccepted] = useState<string | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [isSending, setSending] = useState(false);
  const plan = asked.error ? undefined : asked.data;
  const tags = plan?.steps.map((step) => step.tag) ?? [];
  const loses = plan?.steps.some((step) => step.loses.length) ?? false;
  const isAccepted = !loses || accepted === tags.join(" ");

  const go = async () => {
    if (!plan) return;
    setSending(true);
    setFailure(null);
    const order = { place: plan.place, tags, lock_wait: Math.max(0, Number(lockWait) || 0) };
    try {
      await ask(`migrations/${action}`, { method: "POST", body: action === "rollback" ? { ...order, accept_data_loss: loses } : order });
      await mutate("migrations");
      change({ show: "run", to: null, steps: null }, "replace");
    } catch (error) {
      setFailure(error);
      setSending(false);
    }
  };

  return (
    <Dialog
      title={said[action]}
      wide
      onClose={onClose}
      actions={
        <>
          {action === "apply" && tags.length ? (
            <Button
              kind="quiet"
              onClick={() => change(isOne ? { show: null, to: null, tab: "review" } : { show: null, to: null, view: "review" })}
            >
              {said.reviewFirst}
            </Button>
          ) : null}
          <Button onClick={onClose}>{said.cancel}</Button>
          {plan && tags.length && write ? (
            <Button kind={loses ? "danger" : "primary"} disabled={!isAccepted || isSending} onClick={() => void go()}>
              {said.go[action](tags.length, databaseOf(plan.place))}
            </Button>
          ) : null}
        </>
      }
    >
      <div className="stack migrations-plan">
        {action === "rollback" ? (
          <label className="migrations-field">
            {said.steps}
            <input
              type="number"
              min={1}
              value={typed}
              onChange={(event) => {
                setTyped(event.target.value);
                if (event.target.value) change({ steps: event.target.value }, "replace");
              }}
            />
          </label>
        ) : null}
        <Answer of={asked} lines={6}>
          {(data) =>
            data.steps.length === 0 ? (
              <Empty title={said.nothing}>{said.nothingHint}</Empty>
            ) : (
              <>
                <p>
                  <strong>{said.to(databaseOf(data.place))}</strong> <span className="muted mono">{data.place}</span>
                </p>
                {data.note ? <p className="migrations-notes">{data.note}</p> : null}
                <Losses of={data} isAccepted={isAccepted} onAccept={(yes) => setAccepted(yes ? tags.join(" ") : null)} />
                <h3>{said.sent}</h3>
                {data.steps.map((step, index) => (
                  <details key={step.tag} open={index === 0 && data.steps.length < 4}>
                    <summary className="mono">{step.tag}</summary>
                    <SqlText sql={step.sql} label={said.sentFor(step.tag)} numbers={false} />
                  </details>
                ))}
                <label className="migrations-field">
                  {said.lockWait}
                  <input type="number" min={0} max={3600} value={lockWait} onChange={(event) => setLockWait(event.target.value)} />
                </label>
                <p className="muted">{said.transaction}</p>
                <p className="muted">{said.goesOn}</p>
                {write ? null : <p><Words of={text.readOnly} /></p>}
              </>
            )
          }
        </Answer>
        {failure ? <Failure error={failure} onRetry={() => void asked.mutate().then(() => setFailure(null))} /> : null}
        {failure instanceof ApiError && failure.refusal.code === "run_under_way" ? (
          <div>
            <Button onClick={() => change({ show: "run", to: null, steps: null }, "replace")}>{text.look}</Button>
          </div>
        ) : null}
      </div>
    </Dialog>
  );
}

function Losses({ of, isAccepted, onAccept }: { of: Plan; isAccepted: boolean; onAccept: (yes: boolean) => void }) {
  const lost = of.steps.flatMap((step) => step.loses.map((loss) => ({ ...loss, tag: step.tag })));
  if (lost.length === 0) return null;
  return (
    <div className="migrations-loss stack" role="group" aria-label={said.losesTitle}>
      <strong>{said.losesTitle}</strong>
      <ul className="migrations-list">
        {lost.map((loss) => (
          <li key={loss.tag + loss.what}>
            <span className="mono">{loss.tag}</span>: {said.loses(loss.what, loss.rows)}
          </li>
        ))}
      </ul>
      <label className="row">
        <input type="checkbox" checked={isAccepted} onChange={(event) => onAccept(event.target.checked)} />
        {said.accept}
      </label>
    </div>
  );
}

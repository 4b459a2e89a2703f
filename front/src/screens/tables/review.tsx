import { useState } from "react";
import useSWR from "swr";
import { ApiError } from "../../api";
import { Answer, Button, Failure } from "../../parts/basic";
import { Dialog } from "../../parts/dialog";
import { say } from "../../parts/toast";
import { SqlText } from "../../parts/sql-text";
import { tables as text } from "../../text/tables";
import type { Effect, Preview, Table } from "./api";
import { apply, preview } from "./asking";
import { type Clash, Clashes, findClashes } from "./clashes";
import { changesOf, type Entry, rebased, type Staging } from "./staged";

function EffectLine({ effect }: { effect: Effect }) {
  const told = text.effects[effect.does](text.effectRows(effect.rows, effect.more), effect.table);
  return <li className={effect.does === "refused" ? "tables-wrong" : ""}>{told}</li>;
}

/** What deleting takes along, summed over the rows that go. */
function Cascades({ deletes }: { deletes: Preview["deletes"] }) {
  const sums = new Map<string, Effect>();
  for (const { effects } of deletes) {
    for (const effect of effects) {
      const id = JSON.stringify([effect.schema, effect.table, effect.does, effect.by]);
      const before = sums.get(id);
      sums.set(id, before ? { ...before, rows: before.rows + effect.rows, more: before.more || effect.more } : effect);
    }
  }
  if (!sums.size) return null;
  return (
    <div>
      <h3>{text.cascades}</h3>
      <ul className="tables-cascade">
        {[...sums].map(([id, effect]) => <EffectLine key={id} effect={effect} />)}
      </ul>
      {deletes.some(({ refused }) => refused) ? <p className="tables-wrong">{text.cannotDelete}</p> : null}
    </div>
  );
}

interface ReviewProps {
  table: Table;
  staging: Staging;
  onClose: () => void;
  onApplied: () => void;
  onClashes: (ids: Set<string>) => void;
}

/** Shows the changes as SQL and applies them, all or none. What was changed meanwhile is shown beside. */
export function Review({ table, staging, onClose, onApplied, onClashes }: ReviewProps) {
  const { entries } = staging;
  const changes = changesOf(table, entries);
  // Kept under the staging itself: what is typed into a secret column stays out of the names of answers.
  const asked = useSWR<Preview, ApiError>(["preview", staging], () => preview(changes), {
    revalidateOnFocus: false,
    shouldRetryOnError: false,
  });
  const [error, setError] = useState<unknown>(null);
  const [clashes, setClashes] = useState<Clash[]>([]);
  const [isBusy, setBusy] = useState(false);

  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      const { applied } = await apply(changes);
      staging.clear();
      onClashes(new Set());
      say(text.applied(applied));
      onApplied();
    } catch (refused) {
      setError(refused);
      if (refused instanceof ApiError && refused.refusal.code === "changed_meanwhile") {
        const found = await findClashes(table, entries);
        setClashes(found);
        onClashes(new Set(found.map(({ id }) => id)));
      }
    } finally {
      setBusy(false);
    }
  };
  const settle = (next: Entry[]) => {
    staging.replace(next);
    setClashes([]);
    setError(null);
    onClashes(new Set());
    if (next.length === 0) onApplied();
  };
  const isKnown = clashes.length > 0;
  return (
    <Dialog wide title={isKnown ? text.clashTitle : text.reviewTitle} onClose={onClose}
      actions={
        isKnown ? (
          <>
            <Button onClick={() => settle(rebased(entries, clashes, "theirs"))}>{text.dropMine}</Button>
            <Button kind="danger" onClick={() => settle(rebased(entries, clashes, "mine"))}>{text.keepMine}</Button>
          </>
        ) : (
          <>
            <Button onClick={onClose}>{text.cancel}</Button>
            <Button kind="primary" disabled={isBusy || !asked.data || !changes.length} onClick={() => void run()}>{text.applyChanges(changes.length)}</Button>
          </>
        )
      }>
      <div className="tables-review">
        {error && !isKnown ? <Failure error={error} /> : null}
        {isKnown ? (
          <>
            <p>{text.clashAbout}</p>
            <Clashes clashes={clashes} />
          </>
        ) : (
          <>
            <p className="muted">{text.reviewAbout}</p>
            <Answer of={asked}>
              {({ sql, deletes }) => (
                <>
                  <Cascades deletes={deletes} />
                  <SqlText sql={sql} label={text.reviewSql} wraps copies />
                </>
              )}
            </Answer>
          </>
        )}
      </div>
    </Dialog>
  );
}

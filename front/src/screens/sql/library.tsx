import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { address, ask, useAsk } from "../../api";
import { ago, exactTime, milliseconds } from "../../format";
import { Answer, Badge, Button, Empty, Failure } from "../../parts/basic";
import { Dialog } from "../../parts/dialog";
import { say } from "../../parts/toast";
import { sql } from "../../text/sql";
import { type Entry, type Saved, savedPath } from "./api";

export type Side = "saved" | "history";

interface LibraryProps {
  side: Side;
  /** The saved query that the editor shows. */
  opened: string | null;
  /** Changes after each run and each save: the lists are asked for anew. */
  stamp: number;
  onSide: (side: Side | null) => void;
  onTake: (text: string) => void;
  onDeleted: (name: string) => void;
}

function Ask({ question, verb, onYes, onClose }: { question: string; verb: string; onYes: () => Promise<unknown>; onClose: () => void }) {
  const [error, setError] = useState<unknown>(null);
  const yes = () => void onYes().then(onClose, setError);
  return (
    <Dialog
      title={question}
      onClose={onClose}
      actions={
        <Button kind="danger" onClick={yes}>
          {verb}
        </Button>
      }
    >
      {error ? <Failure error={error} /> : null}
    </Dialog>
  );
}

/** Ask again after each run and each save, under the same name: what was answered before is let go. */
function useAnew(stamp: number, mutate: () => Promise<unknown>): void {
  const seen = useRef(stamp);
  useEffect(() => {
    if (seen.current === stamp) return;
    seen.current = stamp;
    void mutate();
  }, [stamp, mutate]);
}

function SavedList({ opened, stamp, text, onDeleted }: { opened: string | null; stamp: number; text: string; onDeleted: (name: string) => void }) {
  const asked = useAsk<{ queries: Saved[] }>("console/saved");
  useAnew(stamp, asked.mutate);
  const [going, setGoing] = useState<string | null>(null);
  const remove = async (name: string) => {
    await ask(savedPath(name), { method: "DELETE" });
    await asked.mutate();
    say(sql.deleted(name));
    onDeleted(name);
  };
  return (
    <Answer of={asked}>
      {({ queries }) => {
        const found = queries.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase()));
        if (queries.length === 0) return <Empty title={sql.noSaved}>{sql.noSavedHint}</Empty>;
        if (found.length === 0) return <Empty title={sql.nothingFound} />;
        return (
          <>
            <ul className="console-list">
              {found.map(({ name, at }) => (
                <li key={name} className="console-saved">
                  <Link href={address("/sql", { saved: name, panel: "saved" })} aria-current={name === opened ? "true" : undefined}>
                    {name}
                  </Link>
                  <time className="muted" dateTime={at} title={exactTime(at)}>
                    {ago(at)}
                  </time>
                  <Button kind="quiet" aria-label={`${sql.delete} ${name}`} onClick={() => setGoing(name)}>
                    ✕
                  </Button>
                </li>
              ))}
            </ul>
            {going ? (
              <Ask question={sql.deleteAsk(going)} verb={sql.delete} onYes={() => remove(going)} onClose={() => setGoing(null)} />
            ) : null}
          </>
        );
      }}
    </Answer>
  );
}

function HistoryList({ stamp, text, onTake }: { stamp: number; text: string; onTake: (text: string) => void }) {
  const asked = useAsk<{ entries: Entry[] }>(address("console/history", { q: text }));
  useAnew(stamp, asked.mutate);
  const [asking, setAsking] = useState(false);
  const clear = async () => {
    await ask("console/history", { method: "DELETE" });
    await asked.mutate();
  };
  return (
    <Answer of={asked}>
      {({ entries }) => {
        if (entries.length === 0)
          return text ? <Empty title={sql.nothingFound} /> : <Empty title={sql.noHistory}>{sql.noHistoryHint}</Empty>;
        return (
          <>
            <ul className="console-list">
              {entries.map((entry) => (
                <li key={entry.sql}>
                  <button type="button" className="console-entry" onClick={() => onTake(entry.sql)}>
                    <code>{entry.sql.length > 200 ? `${entry.sql.slice(0, 200)}…` : entry.sql}</code>
                    <span className="row">
                      <time className="muted" dateTime={entry.at} title={exactTime(entry.at)}>
                        {ago(entry.at)}
                      </time>
                      <span className="muted">{milliseconds(entry.ms)}</span>
                      {entry.write ? <Badge tone="warn">{sql.write}</Badge> : null}
                      {entry.ok ? null : <Badge tone="bad">{sql.failed}</Badge>}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
            <Button onClick={() => setAsking(true)}>{sql.clearHistory}</Button>
            {asking ? (
              <Ask question={sql.clearHistoryAsk} verb={sql.clearHistory} onYes={clear} onClose={() => setAsking(false)} />
            ) : null}
          </>
        );
      }}
    </Answer>
  );
}

/** Saved queries and what was run before, with a search over each. */
export function Library({ side, opened, stamp, onSide, onTake, onDeleted }: LibraryProps) {
  const [text, setText] = useState("");
  return (
    <aside className="console-library" aria-label={sql.library}>
      <div className="row">
        {(["saved", "history"] as const).map((each) => (
          <Button key={each} kind={each === side ? "plain" : "quiet"} aria-pressed={each === side} onClick={() => onSide(each)}>
            {sql[each]}
          </Button>
        ))}
        <span className="grow" />
        <Button kind="quiet" aria-label={sql.close} onClick={() => onSide(null)}>
          ✕
        </Button>
      </div>
      <input type="search" aria-label={sql.search} placeholder={sql.search} value={text} onChange={(event) => setText(event.target.value)} />
      <div className="console-library-list">
        {side === "saved" ? (
          <SavedList opened={opened} stamp={stamp} text={text} onDeleted={onDeleted} />
        ) : (
          <HistoryList stamp={stamp} text={text} onTake={onTake} />
        )}
      </div>
    </aside>
  );
}

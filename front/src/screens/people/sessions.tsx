import "../../styles/insight.css";
import { useRef, useState } from "react";
import { address, ask, useAsk } from "../../api";
import { useParams } from "../../address";
import { ago, exactTime, time } from "../../format";
import { useWrite } from "../../overview";
import { Answer, Badge, Button, Empty, Failure } from "../../parts/basic";
import { Dialog } from "../../parts/dialog";
import { say } from "../../parts/toast";
import { personData } from "../../text/person-data";

interface Session {
  id: string;
  device: string | null;
  address: string | null;
  created: string;
  used: string;
  expires: string;
  live: boolean;
  kind: "chatkeep" | "library";
}

interface Sessions {
  sessions: Session[];
  next: string | null;
  live: number;
}

const words = personData.sessions;

function Moment({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {time(at)}
      <span className="muted person-small">{ago(at)}</span>
    </time>
  );
}

interface Ending {
  /** None for all. */
  session: Session | null;
}

function Confirm({ userId, of, live, onDone }: { userId: string; of: Ending; live: number; onDone: (ended: boolean) => void }) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const end = async () => {
    setBusy(true);
    setError(null);
    try {
      const body = of.session ? { user: userId, session: of.session.id } : { user: userId };
      const path = of.session ? "figures/sessions/revoke" : "figures/sessions/revoke-all";
      const { revoked } = await ask<{ revoked: number }>(path, { method: "POST", body });
      say(words.revoked(revoked));
      onDone(true);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={of.session ? words.confirmOne : words.confirmAll}
      onClose={() => onDone(false)}
      actions={
        <>
          <Button onClick={() => onDone(false)}>{words.cancel}</Button>
          <Button kind="danger" disabled={isBusy} onClick={() => void end()}>
            {of.session ? words.end : words.endAll}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>{of.session ? words.confirmOneText(of.session.device) : words.confirmAllText(live)}</p>
        {error ? <Failure error={error} /> : null}
      </div>
    </Dialog>
  );
}

function Row({ session, onEnd }: { session: Session; onEnd: (() => void) | null }) {
  const device = session.device ?? words.unknownDevice;
  return (
    <tr>
      <td>
        {session.device ?? <span className="muted">{device}</span>}
        <span className="muted person-small" title={words.kindHints[session.kind]}>
          {words.kinds[session.kind]}
        </span>
      </td>
      <td>{session.live ? <Badge tone="good">{words.isLive}</Badge> : <Badge>{words.isOver}</Badge>}</td>
      <td className="mono">{session.address ?? <span className="muted">{words.unknownAddress}</span>}</td>
      <td>
        <Moment at={session.created} />
      </td>
      <td>
        <time dateTime={session.used} title={exactTime(session.used)}>
          {ago(session.used)}
        </time>
      </td>
      <td>
        <Moment at={session.expires} />
      </td>
      {onEnd ? (
        <td className="person-action">
          <Button kind="danger" onClick={onEnd} aria-label={words.endOf(session.device)}>
            {words.end}
          </Button>
        </td>
      ) : null}
    </tr>
  );
}

/** The sign-ins of a person that stand in the database; with --write they can be ended. */
export default function SessionsTab({ userId }: { userId: string }) {
  const [params, change] = useParams();
  const after = params.get("after");
  const asked = useAsk<Sessions>(address("figures/sessions", { user: userId, after }));
  const canWrite = useWrite();
  const [ending, setEnding] = useState<Ending | null>(null);
  const place = useRef<HTMLElement>(null);
  const close = async (ended: boolean) => {
    setEnding(null);
    if (!ended) return;
    await asked.mutate();
    place.current?.focus(); // the button that had the focus went with its session
  };
  return (
    <section ref={place} tabIndex={-1} className="stack person-place" aria-label={words.title}>
      <Answer of={asked}>
        {(data) => (
          <>
            <div className="row">
              <p>{words.live(data.live)}</p>
              <span className="grow" />
              {canWrite && data.sessions.length > 0 ? (
                <Button kind="danger" onClick={() => setEnding({ session: null })}>
                  {words.endAll}
                </Button>
              ) : null}
            </div>
            {data.sessions.length === 0 ? (
              <div className="panel">
                <Empty title={words.empty}>{words.emptyHint}</Empty>
              </div>
            ) : (
              <div className="panel scroll-x" role="region" aria-label={words.table} tabIndex={0}>
                <table className="plain person-table">
                  <caption className="hidden">{words.table}</caption>
                  <thead>
                    <tr>
                      {[words.device, words.state, words.address, words.created, words.used, words.expires].map(
                        (title) => (
                          <th key={title} scope="col">
                            {title}
                          </th>
                        ),
                      )}
                      {canWrite ? (
                        <th scope="col" className="person-action">
                          <span className="hidden">{words.actions}</span>
                        </th>
                      ) : null}
                    </tr>
                  </thead>
                  <tbody>
                    {data.sessions.map((session) => (
                      <Row key={session.id} session={session} onEnd={canWrite ? () => setEnding({ session }) : null} />
                    ))}
                  </tbody>
                </table>
              </div>
            )}
            <div className="row">
              {after ? <Button onClick={() => change({ after: null })}>{words.first}</Button> : null}
              {data.next ? <Button onClick={() => change({ after: data.next })}>{words.more}</Button> : null}
              {canWrite ? null : <p className="muted">{words.readOnly}</p>}
            </div>
            {ending ? (
              <Confirm
                userId={userId}
                of={ending}
                live={data.live}
                onDone={(ended) => void close(ended)}
              />
            ) : null}
          </>
        )}
      </Answer>
    </section>
  );
}

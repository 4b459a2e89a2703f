import { memo, useMemo } from "react";
import { Link } from "wouter";
import { bytes, exactTime, milliseconds, number, time } from "../../format";
import { Badge, Button, type Tone } from "../../parts/basic";
import { copyText } from "../../parts/clipboard";
import { Markdown } from "../../parts/markdown";
import { transcript } from "../../text/transcript";
import type { Message } from "./api";
import { PieceShown } from "./folds";
import { read } from "./pieces";
import { sourceId, Sources } from "./sources";

const words = transcript;
/** A message in the page; ids of messages may be any text. */
export const domId = (id: string): string => `message-${id}`;

const TONES: Record<string, Tone> = { streaming: "accent", interrupted: "warn", error: "bad" };

interface Props {
  message: Message;
  isChosen: boolean;
  /** Where its row is shown. */
  row: string;
  onBranch: (from: string, to: string) => void;
  onLink: (id: string) => void;
}

function Branches({ message, onBranch }: Pick<Props, "message" | "onBranch">) {
  const ids = message.siblings;
  if (!ids) return null;
  const at = ids.indexOf(message.id);
  const step = (by: number, sign: string) => {
    const to = ids[at + by];
    return (
      <Button
        kind="quiet"
        disabled={to === undefined}
        onClick={() => to && onBranch(message.id, to)}
        aria-label={words.branch.previous(Math.min(Math.max(at + by + 1, 1), ids.length), ids.length)}
      >
        {sign}
      </Button>
    );
  };
  return (
    <span className="tr-branches" role="group" aria-label={words.branch.name}>
      {step(-1, "‹")}
      <span className="number">{words.branch.of(at + 1, ids.length)}</span>
      {step(1, "›")}
    </span>
  );
}

function Meta({ message, finish }: { message: Message; finish: string | null }) {
  const { usage, metadata, feedback } = message;
  const model = usage?.model ?? metadata?.model;
  const tokens = usage
    ? { prompt: usage.promptTokens, completion: usage.completionTokens }
    : metadata?.tokens;
  const took = metadata?.processingTime;
  return (
    <footer className="tr-meta muted">
      {model ? <span className="mono">{model}</span> : null}
      {tokens ? <span title={words.meta.tokensHint}>{words.meta.tokens(number(tokens.prompt), number(tokens.completion))}</span> : null}
      {usage?.cost ? <span title={words.meta.cost}>{Number(usage.cost)}</span> : null}
      {usage?.latencyMs != null ? <span title={words.meta.latency}>{milliseconds(usage.latencyMs)}</span> : null}
      {took != null && took !== usage?.latencyMs ? <span title={words.meta.processing}>{milliseconds(took)}</span> : null}
      {finish ? <span>{words.meta.finish(finish)}</span> : null}
      {metadata?.searchQuery ? <span>{words.meta.searched(metadata.searchQuery)}</span> : null}
      {feedback?.vote ? (
        <Badge tone={feedback.vote > 0 ? "good" : "bad"}>{feedback.vote > 0 ? words.meta.up : words.meta.down}</Badge>
      ) : null}
      {feedback?.comment ? <q className="tr-comment">{feedback.comment}</q> : null}
    </footer>
  );
}

function LeftOut({ message }: { message: Message }) {
  const { characters, parts } = message.left_out;
  if (!characters && !parts) return null;
  return (
    <p className="tr-left-out">
      {characters ? words.meta.leftOut(number(characters)) : null} {parts ? words.meta.partsLeftOut(bytes(parts)) : null}
    </p>
  );
}

function jump(messageId: string, to: number): void {
  const source = document.getElementById(sourceId(messageId, to));
  source?.scrollIntoView({ block: "nearest" });
  source?.focus({ preventScroll: true });
}

/** One message: who, when, what, what it used. */
export const MessageShown = memo(function MessageShown({ message, isChosen, row, onBranch, onLink }: Props) {
  const { pieces, finish } = useMemo(() => read(message.parts, message.content !== ""), [message]);
  const role = words.roles[message.role] ?? message.role;
  const before = pieces.filter((piece) => piece.kind === "reasoning" || piece.kind === "file");
  const after = pieces.filter((piece) => piece.kind !== "reasoning" && piece.kind !== "file");
  const sources = message.sources ?? [];
  return (
    <article
      id={domId(message.id)}
      className={`tr-message tr-${message.role}${isChosen ? " tr-chosen" : ""}`}
      aria-labelledby={`${domId(message.id)}-name ${domId(message.id)}-time`}
      tabIndex={-1}
    >
      <div className="tr-column">
        <header className="tr-head">
          <h2 id={`${domId(message.id)}-name`}>{role}</h2>
          <time id={`${domId(message.id)}-time`} className="muted" dateTime={message.createdAt} title={exactTime(message.createdAt)}>
            {time(message.createdAt)}
          </time>
          {message.status === "complete" ? null : (
            <Badge tone={TONES[message.status] ?? "neutral"} title={words.stateHints[message.status] ?? ""}>
              {words.states[message.status] ?? message.status}
            </Badge>
          )}
          <span className="grow" />
          <Branches message={message} onBranch={onBranch} />
          <span className="tr-actions">
            <Button kind="quiet" onClick={() => void copyText(message.content)}>
              {words.copyText}
            </Button>
            <Button kind="quiet" onClick={() => onLink(message.id)}>
              {words.copyLink}
            </Button>
            <Link className="button button-quiet" href={row} aria-label={words.row}>
              {words.rowShort}
            </Link>
          </span>
        </header>
        <div className="tr-body">
          {before.map((piece, index) => (
            <PieceShown key={index} piece={piece} />
          ))}
          {message.content ? (
            <Markdown
              text={message.content}
              sources={sources.length}
              breaks={message.role === "user"}
              onCite={(to) => jump(message.id, to)}
            />
          ) : pieces.length ? null : (
            <p className="muted">{words.nothing}</p>
          )}
          {after.map((piece, index) => (
            <PieceShown key={index} piece={piece} />
          ))}
          <LeftOut message={message} />
        </div>
        <Meta message={message} finish={finish} />
      </div>
      {sources.length ? <Sources messageId={message.id} sources={sources} /> : null}
    </article>
  );
});

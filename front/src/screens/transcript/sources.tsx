import { isWeb } from "../../parts/markdown/render";
import { transcript } from "../../text/transcript";
import type { Source } from "./api";

const words = transcript.sources;

export const sourceId = (messageId: string, number: number): string => `source-${messageId}-${number}`;

function hostOf(url: string): string {
  try {
    return new URL(url).host.replace(/^www\./, "");
  } catch {
    return "";
  }
}

/** A colour that stays the same for a host. */
function tone(host: string): number {
  let sum = 0;
  for (const letter of host) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997;
  return sum % 6;
}

function One({ messageId, number, source }: { messageId: string; number: number; source: Source }) {
  const isSafe = isWeb(source.url);
  const host = isSafe ? hostOf(source.url) : "";
  return (
    <li id={sourceId(messageId, number)} className="tr-source" tabIndex={-1} aria-label={words.name(number, source.title)}>
      <span className={`tr-favicon tr-tone-${tone(host)}`} aria-hidden="true">
        {([...host][0] ?? "?").toUpperCase()}
      </span>
      <div className="tr-source-text">
        <p className="tr-source-title">
          <span className="muted">{number}.</span>{" "}
          {isSafe ? (
            <a href={source.url} target="_blank" rel="noopener noreferrer">
              {source.title || host}
            </a>
          ) : (
            <span>{source.title}</span>
          )}
        </p>
        {source.snippet ? <p className="tr-snippet" dir="auto">{source.snippet}</p> : null}
        {isSafe ? (
          <p className="muted tr-host">{host}</p>
        ) : (
          <p className="tr-host" title={words.unsafeHint}>
            <span className="badge badge-bad">{words.unsafe}</span> <code>{source.url}</code>
          </p>
        )}
      </div>
    </li>
  );
}

/** What an answer cites, beside it where there is room. */
export function Sources({ messageId, sources }: { messageId: string; sources: Source[] }) {
  return (
    <aside className="tr-sources" aria-label={words.title(sources.length)}>
      <h3>{words.title(sources.length)}</h3>
      <ol>
        {sources.map((source, index) => (
          <One key={index} messageId={messageId} number={index + 1} source={source} />
        ))}
      </ol>
    </aside>
  );
}

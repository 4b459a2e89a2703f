import type { ReactNode } from "react";
import { Markdown } from "../../parts/markdown";
import { isPicture, isWeb } from "../../parts/markdown/render";
import { transcript } from "../../text/transcript";
import type { Piece } from "./pieces";

const words = transcript.pieces;

const json = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function Fold({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) {
  return (
    <details className="tr-fold">
      <summary>
        <span className="tr-fold-title">{title}</span> {about}
      </summary>
      <div className="tr-fold-body">{children}</div>
    </details>
  );
}

function Value({ name, value }: { name: string; value: unknown }) {
  const text = value === undefined || value === null ? words.noArguments : json(value);
  return (
    <div className="tr-value">
      <h3>{name}</h3>
      <pre tabIndex={0} aria-label={name}>
        <code>{text}</code>
      </pre>
    </div>
  );
}

function File({ piece }: { piece: Piece & { kind: "file" } }) {
  if (isPicture(piece.url)) return <img className="md-image" src={piece.url} alt={piece.name} />;
  return (
    <p className="tr-file">
      <span className="badge badge-neutral">{words.file}</span>{" "}
      {isWeb(piece.url) ? (
        <a href={piece.url} target="_blank" rel="noopener noreferrer">
          {piece.name || piece.url}
        </a>
      ) : (
        <span>{piece.name}</span>
      )}{" "}
      <span className="muted">{piece.type}</span>
    </p>
  );
}

/** A part of a message that is not its text. */
export function PieceShown({ piece }: { piece: Piece }) {
  const failed = "failed" in piece && piece.failed ? <span className="badge badge-bad">{words.failed}</span> : null;
  switch (piece.kind) {
    case "text":
      return <Markdown text={piece.text} />;
    case "reasoning":
      return (
        <Fold title={words.reasoning}>
          <Markdown text={piece.text} />
        </Fold>
      );
    case "call":
      return (
        <Fold title={words.call} about={<><code>{piece.name}</code> {failed}</>}>
          <Value name={words.arguments} value={piece.input} />
          {piece.output === undefined ? null : <Value name={words.output} value={piece.output} />}
        </Fold>
      );
    case "result":
      return (
        <Fold title={words.result} about={<>{piece.name ? <code>{piece.name}</code> : null} {failed}</>}>
          <Value name={words.output} value={piece.output} />
        </Fold>
      );
    case "file":
      return <File piece={piece} />;
    case "other":
      return (
        <Fold title={words.other}>
          <Value name={words.other} value={piece.value} />
        </Fold>
      );
  }
}

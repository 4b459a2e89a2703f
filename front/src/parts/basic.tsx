import type { ButtonHTMLAttributes, ReactNode } from "react";
import { useEffect } from "react";
import { ApiError, type Refusal } from "../api";
import { shell } from "../text/shell";
import { useOverview } from "../overview";
import { Words } from "./words";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "plain" | "primary" | "danger" | "quiet";
}

export function Button({ kind = "plain", className = "", type = "button", ...rest }: ButtonProps) {
  return <button type={type} className={`button button-${kind} ${className}`} {...rest} />;
}

interface PageProps {
  title: string;
  /** Stands beside the title: buttons, filters. */
  actions?: ReactNode;
  /** A line below the title. */
  about?: ReactNode;
  children: ReactNode;
  /** Whether the content fills the window and scrolls by itself, as a grid does. */
  fills?: boolean;
}

/** A screen: its title is the page's h1 and the window's title. */
export function Page({ title, actions, about, children, fills = false }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ${shell.product}`;
  }, [title]);
  return (
    <div className={`page${fills ? " page-fills" : ""}`}>
      <header className="page-head">
        <div className="page-title">
          <h1 tabIndex={-1} dir="auto">{title}</h1>
          {about ? <p className="muted">{about}</p> : null}
        </div>
        {actions ? <div className="row">{actions}</div> : null}
      </header>
      {children}
    </div>
  );
}

export type Tone = "neutral" | "good" | "warn" | "bad" | "accent";

export function Badge({ tone = "neutral", title, children }: { tone?: Tone; title?: string; children: ReactNode }) {
  return (
    <span className={`badge badge-${tone}`} title={title}>
      {children}
    </span>
  );
}

/** Nothing to show yet, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children ? <div className="muted">{children}</div> : null}
    </div>
  );
}

/** Keeps the place of what is coming, so that nothing jumps. */
export function Loading({ lines = 6 }: { lines?: number }) {
  return (
    <div className="loading" role="status" aria-label={shell.loading}>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} className="loading-line" />
      ))}
    </div>
  );
}

const OWN: Record<string, Pick<Refusal, "message" | "hint">> = {
  away: { message: shell.away, hint: shell.awayHint },
  signed_out: { message: shell.signedOut, hint: shell.signedOutHint },
  broken: { message: shell.broken, hint: shell.brokenHint },
  unreadable: { message: shell.unreadable, hint: shell.unreadableHint },
};

/** What only a new page helps against. */
const RELOADING = new Set(["signed_out", "broken"]);

export function told(error: unknown): Pick<Refusal, "message" | "hint"> {
  const refusal = (error as Partial<ApiError> | null)?.refusal;
  if (!refusal) return { message: shell.failed, hint: error instanceof Error ? error.message : null };
  return OWN[refusal.code] ?? refusal;
}

/** What failed, and what to do; with a button where trying again may help. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { message, hint } = told(error);
  const isOver = error instanceof ApiError && RELOADING.has(error.refusal.code);
  return (
    <div className="failure" role="alert">
      <p className="failure-title">{message}</p>
      {hint ? <p><Words of={hint} /></p> : null}
      {isOver ? (
        <Button onClick={() => location.reload()}>{shell.reload}</Button>
      ) : onRetry ? (
        <Button onClick={onRetry}>{shell.retry}</Button>
      ) : null}
    </div>
  );
}

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  mutate: () => unknown;
}

/** What an answer, its loading and its failure look like, in one place. */
export function Answer<T>({ of, lines = 6, children }: { of: Asked<T>; lines?: number; children: (data: T) => ReactNode }) {
  const overview = useOverview();
  if (of.error) {
    const retry = () => {
      void of.mutate();
      if (overview.error) void overview.mutate(); // what stands around the page lacks it too
    };
    return <Failure error={of.error} onRetry={retry} />;
  }
  if (of.data === undefined) return <Loading lines={lines} />;
  return children(of.data);
}

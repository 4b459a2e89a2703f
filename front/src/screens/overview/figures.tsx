import type { ReactNode } from "react";
import { Link } from "wouter";
import { bytes, compact, number } from "../../format";
import { useOverview } from "../../overview";
import { overview as text } from "../../text/overview";
import { type Glance, type Migrations, useGlance, useMigrations } from "./api";

/** What there is of everything; each figure leads to where there is more. */
export function Figures() {
  const { data: glance } = useGlance();
  const { data: about } = useOverview();
  const { data: migrations, error: unread } = useMigrations();
  const counts = glance?.counts;
  const hasPeople = !glance || counts?.users;
  return (
    <ul className="overview-figures" aria-label={text.figures}>
      {hasPeople ? <Figure to="/people" title={text.people} {...told(glance, "users")} /> : null}
      {!glance || counts?.chats ? <Figure to="/people" title={text.conversations} {...byPerson(told(glance, "chats"))} /> : null}
      {!glance || counts?.messages ? <Figure to="/search" title={text.messages} {...told(glance, "messages")} /> : null}
      <Figure
        to="/tables"
        title={text.size}
        value={about ? bytes(about.bytes) : ""}
        beside={glance ? text.tables(glance.tables) : ""}
      />
      <Figure
        to="/migrations"
        title={text.migrations}
        {...(unread ? UNKNOWN : migrations ? stateOf(migrations) : { value: "", beside: "" })}
      />
      <Figure
        to="/insight"
        title={text.connections}
        value={glance ? number(glance.connections.used) : ""}
        beside={glance ? text.ofMost(number(glance.connections.most)) : ""}
      />
    </ul>
  );
}

function told(glance: Glance | undefined, name: "users" | "chats" | "messages"): { value: string; beside: string } {
  const count = glance?.counts[name];
  if (!count) return { value: "", beside: "" };
  if (count.rows === null) return { value: text.unknown, beside: "" };
  const value = count.rows < 100_000 ? number(count.rows) : compact(count.rows);
  return { value: count.more ? text.atLeast(value) : value, beside: count.estimated ? text.estimated : text.stored };
}

const byPerson = ({ value, beside }: { value: string; beside: string }) => ({ value, beside: beside && text.byPerson(beside) });

const UNKNOWN = { value: text.unknownMigrations, beside: text.unreadMigrations, tone: "warn" };

function stateOf({ migrations, error }: Migrations): { value: string; beside: string; tone?: string; why?: string } {
  if (error) return { ...UNKNOWN, why: error.message };
  if (!migrations.length) return { value: text.noMigrations, beside: "" };
  const pending = migrations.filter((each) => each.state === "pending").length;
  const applied = migrations.filter((each) => each.state === "applied").length;
  if (pending) return { value: number(pending), beside: text.pending(applied), tone: "warn" };
  return { value: number(applied), beside: text.allApplied };
}

interface FigureProps {
  to: string;
  title: string;
  value: ReactNode;
  beside: string;
  tone?: string;
  /** More than there is room for. */
  why?: string;
}

function Figure({ to, title, value, beside, tone = "", why }: FigureProps) {
  return (
    <li>
      <Link href={to} className={`panel overview-figure ${tone ? `overview-${tone}` : ""}`} title={why}>
        <span className="overview-title">{title}</span>
        <span className="overview-value">{value || "\u00a0"}</span>
        <span className="overview-beside muted">{beside || "\u00a0"}</span>
      </Link>
    </li>
  );
}

import { number } from "../../format";
import { Badge } from "../../parts/basic";
import { SqlInline } from "../../parts/sql-text";
import { tablePage as text } from "../../text/schema";
import type { TablePage } from "./api";
import { Section } from "./section";

export function Triggers({ page }: { page: TablePage }) {
  return (
    <Section title={text.triggers} count={number(page.triggers.length)}>
      {page.triggers.length ? (
        <ul className="schema-lines">
          {page.triggers.map((trigger) => (
            <li key={trigger.definition}>
              <div className="row">
                <code className="schema-name">{trigger.name}</code>
                {trigger.enabled === "origin" ? null : (
                  <Badge tone="warn">{trigger.enabled === "disabled" ? text.disabled : trigger.enabled}</Badge>
                )}
              </div>
              <SqlInline sql={trigger.definition} />
            </li>
          ))}
        </ul>
      ) : (
        <p className="muted">{text.noTriggers}</p>
      )}
    </Section>
  );
}

export function Policies({ page }: { page: TablePage }) {
  const state = page.force_row_security ? text.policiesForced : text.policiesOn;
  return (
    <Section title={text.policies} count={page.row_security ? state : undefined}>
      {page.row_security ? null : <p className="muted">{text.policiesOff}</p>}
      {page.row_security && !page.policies.length ? <p className="muted">{text.policiesNone}</p> : null}
      {page.policies.length ? (
        <ul className="schema-lines">
          {page.policies.map((policy) => (
            <li key={policy.name}>
              <div className="row">
                <code className="schema-name">{policy.name}</code>
                <span className="muted">{text.policyOf(policy.command, policy.roles.join(", "))}</span>
                {policy.permissive ? null : <Badge>{text.restrictive}</Badge>}
              </div>
              <Condition name={text.using} sql={policy.using} />
              <Condition name={text.withCheck} sql={policy.check} />
            </li>
          ))}
        </ul>
      ) : null}
    </Section>
  );
}

function Condition({ name, sql }: { name: string; sql: string | null }) {
  if (sql === null) return null;
  return (
    <p>
      <span className="muted">{`${name} `}</span>
      <SqlInline sql={sql} />
    </p>
  );
}

import { Link } from "wouter";
import { number } from "../../format";
import { Badge } from "../../parts/basic";
import { SqlInline } from "../../parts/sql-text";
import { tablePage as text } from "../../text/schema";
import { type Constraint, type ForeignKey, named, pageOf, type TablePage } from "./api";
import { Section } from "./section";

export function Constraints({ page }: { page: TablePage }) {
  const lines: [kind: string, each: Constraint][] = [
    ...(page.primary_key ? [[text.primary, page.primary_key] satisfies [string, Constraint]] : []),
    ...page.uniques.map((each): [string, Constraint] => [text.unique, each]),
    ...page.checks.map((each): [string, Constraint] => [text.check, { name: each.name, definition: each.expression }]),
    ...page.excludes.map((each): [string, Constraint] => [text.exclude, each]),
  ];
  return (
    <Section title={text.constraints} count={number(lines.length)}>
      {lines.length ? (
        <ul className="schema-lines">
          {lines.map(([kind, each]) => (
            <li key={each.name}>
              <div className="row">
                <Badge tone={kind === text.primary ? "accent" : "neutral"}>{kind}</Badge>
                <code className="schema-name">{each.name}</code>
              </div>
              <SqlInline sql={each.definition} />
            </li>
          ))}
        </ul>
      ) : (
        <p className="muted">{text.noConstraints}</p>
      )}
    </Section>
  );
}

export function ForeignKeys({ page }: { page: TablePage }) {
  return (
    <div className="schema-pair">
      <Section title={text.keysOut} count={number(page.keys_out.length)}>
        <Keys keys={page.keys_out} out none={text.noKeysOut} />
      </Section>
      <Section title={text.keysIn} count={number(page.keys_in.length)}>
        <Keys keys={page.keys_in} out={false} none={text.noKeysIn} />
      </Section>
    </div>
  );
}

function Keys({ keys, out, none }: { keys: ForeignKey[]; out: boolean; none: string }) {
  if (!keys.length) return <p className="muted">{none}</p>;
  return (
    <ul className="schema-lines">
      {keys.map((key) => {
        const other: [string, string] = out ? [key.target_schema, key.target_table] : [key.schema, key.table];
        return (
          <li key={`${key.schema} ${key.table} ${key.name}`}>
            <div className="row">
              <Link href={pageOf(...other)} className="schema-name">
                {named(...other)}
              </Link>
              <Badge tone={key.on_delete === "cascade" ? "warn" : "neutral"} title={text.onDeleteHint(key.on_delete)}>
                {text.onDelete(key.on_delete)}
              </Badge>
            </div>
            <code className="schema-name">{`(${key.columns.join(", ")}) → (${key.target_columns.join(", ")})`}</code>
          </li>
        );
      })}
    </ul>
  );
}

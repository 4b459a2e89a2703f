import { Link } from "wouter";
import { address, useAsk } from "../../api";
import { number } from "../../format";
import { Answer, Badge, Page } from "../../parts/basic";
import { SqlText } from "../../parts/sql-text";
import { tablePage as text } from "../../text/schema";
import { idOf, named, pageOf, rowsOf, type TablePage } from "./api";
import { Columns } from "./columns";
import { Constraints, ForeignKeys } from "./constraints";
import { FindingsOf } from "./findings-of";
import { Indexes } from "./indexes";
import { Policies, Triggers } from "./programs";
import { Section } from "./section";
import { StatisticsView } from "./statistics";

export function TablePageView({ schema, name }: { schema: string; name: string }) {
  const asked = useAsk<TablePage>(address("structure/table", { schema, table: name }));
  return (
    <Page title={named(schema, name)} about={asked.data?.comment ?? undefined} actions={<Actions schema={schema} name={name} />}>
      <Answer of={asked} lines={14}>
        {(page) => <Sections page={page} />}
      </Answer>
    </Page>
  );
}

function Actions({ schema, name }: { schema: string; name: string }) {
  return (
    <>
      <Link href={rowsOf(schema, name)} className="button button-plain">
        {text.toRows}
      </Link>
      <Link href={address("/schema", { focus: idOf(schema, name) })} className="button button-plain">
        {text.inDiagram}
      </Link>
    </>
  );
}

function Sections({ page }: { page: TablePage }) {
  const isTable = page.kind === "table" || page.kind === "partitioned table";
  return (
    <div className="schema-page">
      <Badges page={page} />
      {page.kind === "view" ? null : <StatisticsView page={page} />}
      <FindingsOf schema={page.schema} name={page.name} />
      <Columns page={page} />
      {isTable ? <Constraints page={page} /> : null}
      {isTable ? <ForeignKeys page={page} /> : null}
      {page.kind === "view" ? null : <Indexes page={page} />}
      <Partitions page={page} />
      {isTable || page.triggers.length ? <Triggers page={page} /> : null}
      {isTable ? <Policies page={page} /> : null}
      {page.definition === null ? null : (
        <Section title={text.view}>
          <SqlText sql={page.definition} label={text.viewLabel(page.name)} wraps copies />
        </Section>
      )}
      <Section title={text.ddl}>
        <SqlText sql={page.ddl} label={text.ddlLabel(page.name)} wraps copies />
        {page.functions ? (
          <details className="schema-fold">
            <summary>{text.functions}</summary>
            <SqlText sql={page.functions} label={text.functionsLabel(page.name)} wraps copies />
          </details>
        ) : null}
      </Section>
    </div>
  );
}

function Badges({ page }: { page: TablePage }) {
  return (
    <div className="row">
      <Badge>{text.kinds[page.kind]}</Badge>
      {page.attribute ? (
        <Badge tone="accent" title={text.attributeHint}>
          {text.attribute(page.attribute)}
        </Badge>
      ) : (
        <Badge>{page.bookkeeping ? text.bookkeeping : text.unknown}</Badge>
      )}
    </div>
  );
}

function Partitions({ page }: { page: TablePage }) {
  if (!page.partition_key && !page.whole) return null;
  return (
    <Section title={text.partitions} count={page.partitions.length ? number(page.partitions.length) : undefined}>
      {page.partition_key ? <p className="mono">{text.partitionBy(page.partition_key)}</p> : null}
      {page.whole ? (
        <p>
          {text.partOf} <Link href={pageOf(...page.whole)}>{named(...page.whole)}</Link> <code>{page.bound}</code>
        </p>
      ) : null}
      <ul className="schema-plain">
        {page.partitions.map((part) => (
          <li key={`${part.schema} ${part.name}`}>
            <Link href={pageOf(part.schema, part.name)}>{named(part.schema, part.name)}</Link> <code>{part.bound}</code>
          </li>
        ))}
      </ul>
    </Section>
  );
}

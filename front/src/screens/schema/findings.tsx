import { useState } from "react";
import { Link } from "wouter";
import { ask } from "../../api";
import { ago, milliseconds, number } from "../../format";
import { Answer, Button, Empty, Failure, Page } from "../../parts/basic";
import { findings as text, schema } from "../../text/schema";
import { type Breach, type Findings, named, pageOf, useFindings } from "./api";
import { FindingView } from "./finding";
import { Section } from "./section";

export function FindingsPage() {
  const asked = useFindings();
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async () => {
    setRunning(true);
    setError(null);
    try {
      await asked.mutate(ask<Findings>("structure/doctor", { method: "POST" }), { revalidate: false });
    } catch (refusal) {
      setError(refusal);
    } finally {
      setRunning(false);
    }
  };
  return (
    <Page
      title={text.title}
      about={text.about}
      actions={
        <>
          <Link href="/schema" className="button button-plain">
            {schema.toDiagram}
          </Link>
          <Button kind="primary" disabled={isRunning} onClick={() => void run()}>
            {isRunning ? text.running : asked.data?.doctor ? text.again : text.run}
          </Button>
        </>
      }
    >
      {error ? <Failure error={error} onRetry={() => void run()} /> : null}
      <Answer of={asked} lines={10}>
        {(found) => (
          <div className="schema-page">
            <Doctor report={found.doctor} />
            <Conventions breaches={found.conventions} />
          </div>
        )}
      </Answer>
    </Page>
  );
}

function Doctor({ report }: { report: Findings["doctor"] }) {
  if (!report) {
    return (
      <Section title={text.doctor}>
        <Empty title={text.before}>{text.beforeHint}</Empty>
      </Section>
    );
  }
  const reasons = new Map<string, string[]>();
  for (const { check, reason } of report.unseen) reasons.set(reason, [...(reasons.get(reason) ?? []), check]);
  return (
    <Section title={text.doctor} count={number(report.findings.length)}>
      <p className="muted">{text.looked(ago(report.at), report.checked.length, milliseconds(report.seconds * 1000))}</p>
      {report.findings.length ? (
        <ul className="schema-lines">
          {report.findings.map((finding, index) => (
            <FindingView key={`${index} ${finding.about}`} finding={finding} />
          ))}
        </ul>
      ) : (
        <p>{text.healthy}</p>
      )}
      {reasons.size ? (
        <details className="schema-fold">
          <summary>{`${text.unseen} (${report.unseen.length})`}</summary>
          <ul className="schema-plain">
            {[...reasons].map(([reason, checks]) => (
              <li key={reason}>
                <code>{checks.join(", ")}</code>
                {`: ${reason}`}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </Section>
  );
}

function Conventions({ breaches }: { breaches: Breach[] | null }) {
  if (!breaches) {
    return (
      <Section title={text.conventions}>
        <Empty title={text.noSchema}>{text.noSchemaHint}</Empty>
      </Section>
    );
  }
  return (
    <Section title={text.conventions} count={text.breaches(breaches.length)}>
      {breaches.length ? (
        <div className="scroll-x" tabIndex={0} role="region" aria-label={text.conventions}>
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">{text.table}</th>
                <th scope="col">{text.ruleHead}</th>
                <th scope="col">{text.message}</th>
              </tr>
            </thead>
            <tbody>
              {breaches.map((each, index) => (
                <tr key={`${index} ${each.table}`}>
                  <td>
                    <Link href={pageOf(each.schema, each.table)}>{named(each.schema, each.table)}</Link>
                  </td>
                  <td>
                    <code title={each.asks}>{each.rule}</code>
                  </td>
                  <td className="schema-message">{each.message}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p>{text.kept}</p>
      )}
    </Section>
  );
}

import { Link } from "wouter";
import { findings as text } from "../../text/schema";
import { useFindings } from "./api";
import { FindingView } from "./finding";
import { Section } from "./section";

/** What was found about one table; what keeps findings from being known stands on their own page. */
export function FindingsOf({ schema, name }: { schema: string; name: string }) {
  const { data } = useFindings();
  const breaches = data?.conventions?.filter((each) => each.schema === schema && each.table === name) ?? [];
  const found = data?.doctor?.findings.filter((each) => each.table?.[0] === schema && each.table[1] === name) ?? [];
  const calm = data?.doctor ? text.none : data?.conventions ? text.noneYet : text.notLooked;
  return (
    <Section title={text.title}>
      {found.length ? (
        <ul className="schema-lines">
          {found.map((each, index) => (
            <FindingView key={`${index} ${each.about}`} finding={each} links={false} />
          ))}
        </ul>
      ) : null}
      {breaches.length ? (
        <ul className="schema-lines">
          {breaches.map((each, index) => (
            <li key={`${index} ${each.rule}`}>
              <div className="row">
                <code className="muted">{each.rule}</code>
                <span>{each.message}</span>
              </div>
            </li>
          ))}
        </ul>
      ) : null}
      {found.length || breaches.length ? null : <p className="muted">{data ? calm : "\u00a0"}</p>}
      <Link href="/schema/findings">{text.all}</Link>
    </Section>
  );
}

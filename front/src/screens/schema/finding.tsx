import { Link } from "wouter";
import { Badge, type Tone } from "../../parts/basic";
import { SqlText } from "../../parts/sql-text";
import { findings as text } from "../../text/schema";
import { type Finding, named, pageOf } from "./api";

const TONES: Record<Finding["severity"], Tone> = { error: "bad", warning: "warn", note: "neutral" };

/** One thing that the doctor found: what, why it matters, what mends it. */
export function FindingView({ finding, links = true }: { finding: Finding; links?: boolean }) {
  return (
    <li className="schema-finding">
      <div className="row">
        <Badge tone={TONES[finding.severity]}>{text.severities[finding.severity]}</Badge>
        <span className="schema-about">{finding.about}</span>
        <code className="muted">{finding.check}</code>
        {links && finding.table ? <Link href={pageOf(...finding.table)}>{named(...finding.table)}</Link> : null}
      </div>
      <p>{finding.message}</p>
      <p className="muted">{finding.why}</p>
      <p className="schema-mend muted">{text.mend(finding.mend_with)}</p>
      <SqlText sql={finding.mend} label={text.mendLabel(finding.about)} numbers={false} wraps copies />
    </li>
  );
}

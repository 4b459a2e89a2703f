import { useState } from "react";
import { useAsk } from "../../api";
import { Answer, Badge, Button } from "../../parts/basic";
import { search } from "../../text/search";
import type { Found, Term } from "./api";

const words = search.why;

function TermShown({ term }: { term: Term }) {
  const tokens = term.tokens.join(" ");
  return (
    <li className="search-term">
      <Badge tone={term.excluded ? "bad" : "accent"}>
        {term.excluded ? `${words.without} ` : ""}
        {words.kinds[term.kind] ?? term.kind}
      </Badge>
      <strong>{term.typed}</strong>
      {tokens === term.typed ? null : <span className="muted">{words.folded(tokens)}</span>}
      {term.checked ? (
        <span className="muted" title={words.checkedHint}>
          {words.checked}
        </span>
      ) : null}
    </li>
  );
}

function Plan({ path }: { path: string }) {
  const asked = useAsk<{ plan: string[] }>(path, { keepPreviousData: false });
  return (
    <Answer of={asked} lines={6}>
      {({ plan }) => (
        <pre className="search-plan" tabIndex={0} aria-label={words.plan}>
          {plan.join("\n")}
        </pre>
      )}
    </Answer>
  );
}

/** How the query was read, what the index was asked, what the order means, and the plan on demand. */
export function Why({ read, order, planPath }: { read: Found["read"]; order: string; planPath: string }) {
  const [shown, setShown] = useState<string | null>(null);
  const wanted = read.terms.filter((term) => !term.excluded);
  const excluded = read.terms.filter((term) => term.excluded);
  return (
    <details className="search-why">
      <summary>{words.title}</summary>
      <div className="stack search-why-body">
        <section>
          <h2>{words.read}</h2>
          <p>{words.all}</p>
          <ul className="search-terms">
            {wanted.map((term, index) => (
              <TermShown key={index} term={term} />
            ))}
          </ul>
          {excluded.length ? (
            <>
              <p>{words.none}</p>
              <ul className="search-terms">
                {excluded.map((term, index) => (
                  <TermShown key={index} term={term} />
                ))}
              </ul>
            </>
          ) : null}
        </section>
        <section>
          <h2>{words.lexemes}</h2>
          <p className="row search-lexemes">
            {read.lexemes.map((lexeme, index) => (
              <code key={index}>
                {lexeme.excluded ? "!" : ""}
                {lexeme.text}
                {lexeme.prefix ? "*" : ""}
              </code>
            ))}
          </p>
          <p className="muted">{words.lexemesHint(read.owner)}</p>
          <p className="muted">{order === "newest" ? words.newest : words.ranked}</p>
        </section>
        <section>
          <h2>{words.plan}</h2>
          <p className="muted">{words.planHint}</p>
          {shown === planPath ? <Plan path={planPath} /> : <Button onClick={() => setShown(planPath)}>{words.showPlan}</Button>}
        </section>
      </div>
    </details>
  );
}

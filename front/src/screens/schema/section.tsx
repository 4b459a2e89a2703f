import { type ReactNode, useId } from "react";

interface SectionProps {
  title: string;
  count?: string | undefined;
  children: ReactNode;
}

/** A part of a table's page. */
export function Section({ title, count, children }: SectionProps) {
  const id = useId();
  return (
    <section className="panel schema-section" aria-labelledby={id}>
      <h2 id={id}>
        {title}
        {count === undefined ? null : <span className="schema-section-count muted">{` ${count}`}</span>}
      </h2>
      {children}
    </section>
  );
}

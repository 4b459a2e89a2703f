import type { ReactNode } from "react";

/** A snippet with its hits marked. Places count code points, as the server does. */
export function Marked({ text, highlights }: { text: string; highlights: [number, number][] }) {
  const letters = [...text];
  const parts: ReactNode[] = [];
  let place = 0;
  for (const [start, end] of highlights) {
    parts.push(letters.slice(place, start).join(""), <mark key={start}>{letters.slice(start, end).join("")}</mark>);
    place = end;
  }
  parts.push(letters.slice(place).join(""));
  return <>{parts}</>;
}

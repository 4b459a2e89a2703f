/** A sentence of the library or of ours: what stands in backticks is code. */
export function Words({ of }: { of: string }) {
  return <>{of.split("`").map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part))}</>;
}

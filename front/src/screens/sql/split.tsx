import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";
import { sql } from "../../text/sql";

const KEY = "chatkeep-studio-sql-split";
const LEAST = 15;
const MOST = 80;
const STEP = 5;

/** Two halves, one above the other, and a bar between them that is drawn or moved by arrow keys. */
export function Split({ top, bottom }: { top: ReactNode; bottom: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const [share, setShare] = useState(() => Number(sessionStorage.getItem(KEY)) || 38);
  const change = (next: number) => {
    const kept = Math.round(Math.min(MOST, Math.max(LEAST, next)));
    setShare(kept);
    sessionStorage.setItem(KEY, String(kept));
  };
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId) || !box.current) return;
    const { top: edge, height } = box.current.getBoundingClientRect();
    change(((event.clientY - edge) / height) * 100);
  };
  const step = (event: KeyboardEvent) => {
    const by = { ArrowUp: -STEP, ArrowDown: STEP }[event.key];
    if (!by) return;
    event.preventDefault();
    change(share + by);
  };
  return (
    <div ref={box} className="console-split" style={{ gridTemplateRows: `minmax(96px, ${share}fr) 24px minmax(0, ${100 - share}fr)` }}>
      <div className="console-half">{top}</div>
      <div
        role="separator"
        aria-label={sql.split}
        aria-orientation="horizontal"
        aria-valuenow={share}
        aria-valuemin={LEAST}
        aria-valuemax={MOST}
        tabIndex={0}
        className="console-divider"
        onKeyDown={step}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={drag}
      />
      <div className="console-half console-below">{bottom}</div>
    </div>
  );
}

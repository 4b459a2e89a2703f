import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Button } from "../../parts/basic";

export interface MenuItem {
  label: string;
  run: () => void;
  /** For an item that is on or off; the menu stays open. */
  on?: boolean;
  /** Said small beside the label. */
  note?: string;
  disabled?: boolean;
}

interface MenuProps {
  label: ReactNode;
  title: string;
  items: MenuItem[];
  disabled?: boolean;
}

/** A button that opens a list of things to do; arrows move, Escape closes, the focus goes back. */
export function Menu({ label, title, items, disabled = false }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const button = () => root.current?.querySelector<HTMLElement>("button");
  const entries = () => [...(root.current?.querySelectorAll<HTMLElement>(".tables-menu-item:not([aria-disabled])") ?? [])];

  useEffect(() => {
    if (!isOpen) return;
    entries()[0]?.focus();
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [isOpen]);

  const close = () => {
    setOpen(false);
    button()?.focus();
  };
  const choose = (item: MenuItem) => {
    if (item.disabled) return;
    if (item.on === undefined) close();
    item.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isOpen) return;
    const all = entries();
    const here = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Tab") setOpen(false);
  };
  return (
    <div className="tables-menu" ref={root} onKeyDown={onKeyDown}>
      <Button aria-haspopup="menu" aria-expanded={isOpen} aria-controls={isOpen ? id : undefined} title={title}
        disabled={disabled} onClick={() => setOpen(!isOpen)}>
        {label}
      </Button>
      {isOpen ? (
        <div className="tables-menu-list" role="menu" id={id} aria-label={title}>
          {items.map((item) => (
            <div key={item.label} className="tables-menu-item" tabIndex={-1} aria-disabled={item.disabled || undefined}
              {...(item.on === undefined ? { role: "menuitem" } : { role: "menuitemcheckbox", "aria-checked": item.on })}
              onClick={() => choose(item)}
              onKeyDown={(event) => {
                if (event.key !== "Enter" && event.key !== " ") return;
                event.preventDefault();
                choose(item);
              }}>
              {item.on === undefined ? null : <span className="tables-menu-mark" aria-hidden="true">{item.on ? "✓" : ""}</span>}
              <span className="tables-menu-label">{item.label}</span>
              {item.note ? <span className="muted tables-menu-note">{item.note}</span> : null}
            </div>
          ))}
        </div>
      ) : null}
    </div>
  );
}

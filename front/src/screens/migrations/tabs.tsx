import { type KeyboardEvent, type ReactNode, useId } from "react";

interface TabsProps<T extends string> {
  label: string;
  chosen: T;
  tabs: [value: T, title: string][];
  onChoose: (value: T) => void;
  children: ReactNode;
}

/** Tabs as WAI-ARIA has them: one stop for the Tab key, arrows between them. */
export function Tabs<T extends string>({ label, chosen, tabs, onChoose, children }: TabsProps<T>) {
  const id = useId();
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return; // such as Alt and an arrow: back
    const here = tabs.findIndex(([value]) => value === chosen);
    const last = tabs.length - 1;
    const to = { ArrowRight: here === last ? 0 : here + 1, ArrowLeft: here === 0 ? last : here - 1, Home: 0, End: last }[event.key];
    const next = to === undefined ? undefined : tabs[to];
    if (!next) return;
    event.preventDefault();
    onChoose(next[0]);
    document.getElementById(`${id}-${next[0]}`)?.focus();
  };
  return (
    <>
      <div role="tablist" aria-label={label} className="migrations-tabs" onKeyDown={onKeyDown}>
        {tabs.map(([value, title]) => (
          <button
            key={value}
            id={`${id}-${value}`}
            type="button"
            role="tab"
            className="migrations-tab"
            aria-selected={value === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={value === chosen ? 0 : -1}
            onClick={() => onChoose(value)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen}`} className="migrations-panel">
        {children}
      </div>
    </>
  );
}

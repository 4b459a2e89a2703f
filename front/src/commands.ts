import { useEffect, useSyncExternalStore } from "react";

/** Something that the command palette offers. */
export interface Command {
  id: string;
  title: string;
  /** What it belongs to: the heading in the palette. */
  group: string;
  run: () => void;
  /** As people write it, such as "g t" (one after the other) or "mod+enter". */
  keys?: string;
}

let known: Command[] = [];
const watchers = new Set<() => void>();

function change(next: Command[]): void {
  known = next;
  for (const watcher of watchers) watcher();
}

/** Offer commands while a component is there. Keep the list stable (useMemo). */
export function useCommands(commands: Command[]): void {
  useEffect(() => {
    change([...known, ...commands]);
    return () => change(known.filter((command) => !commands.includes(command)));
  }, [commands]);
}

export function useKnownCommands(): Command[] {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => known,
  );
}

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
  /** Other words by which the palette finds it. */
  words?: string;
  /** One of many that are named by somebody else. */
  isTable?: boolean;
}

/** A key that does something in a part of the screen, listed with those of commands. */
export interface KeyNote {
  title: string;
  group: string;
  keys: string;
}

let known: Command[] = [];
let noted: KeyNote[] = [];
const watchers = new Set<() => void>();

function tell(): void {
  for (const watcher of watchers) watcher();
}

function change(next: Command[]): void {
  known = next;
  tell();
}

/** Offer commands while a component is there. Keep the list stable (useMemo). */
export function useCommands(commands: Command[]): void {
  useEffect(() => {
    change([...known, ...commands]);
    return () => change(known.filter((command) => !commands.includes(command)));
  }, [commands]);
}

/** List keys that a component handles by itself, while it is there. Keep the list stable. */
export function useKeyNotes(notes: KeyNote[]): void {
  useEffect(() => {
    noted = [...noted, ...notes];
    tell();
    return () => {
      noted = noted.filter((note) => !notes.includes(note));
      tell();
    };
  }, [notes]);
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export const useKnownCommands = (): Command[] => useSyncExternalStore(watch, () => known);
export const useKnownNotes = (): KeyNote[] => useSyncExternalStore(watch, () => noted);

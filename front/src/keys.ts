import { useEffect, useRef } from "react";
import type { Command } from "./commands";

const PATIENCE = 1200; // milliseconds between the two keys of a sequence
const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** How keys are shown to people: "mod+k" is ⌘K or Ctrl K. */
export function shown(keys: string): string[] {
  return keys.split(" ").map((key) =>
    key
      .split("+")
      .map((part) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part))
      .join(isMac ? "" : " "),
  );
}

const NAMES: Record<string, string> = {
  mod: isMac ? "⌘" : "Ctrl",
  shift: isMac ? "⇧" : "Shift",
  alt: isMac ? "⌥" : "Alt",
  enter: "Enter",
  escape: "Esc",
  space: "Space",
  delete: "Delete",
  f2: "F2",
  arrowleft: "←",
  arrowright: "→",
  home: "Home",
  end: "End",
};

/** What an event is called in `Command.keys`. */
function nameOf(event: KeyboardEvent): string {
  const key = event.key === " " ? "space" : event.key.toLowerCase();
  const isMod = isMac ? event.metaKey : event.ctrlKey;
  // A sign such as "?" has its shift in itself.
  const shift = event.shiftKey && (key.length > 1 || isMod || /[a-z]/.test(key));
  return `${isMod ? "mod+" : ""}${event.altKey ? "alt+" : ""}${shift ? "shift+" : ""}${key}`;
}

/** Whether somebody is writing, so that plain letters are text and no commands. */
function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName);
}

/** Run commands by their keys, sequences too. A dialog takes them all, save what it offers itself. */
export function useKeys(commands: Command[]): void {
  const known = useRef(commands);
  useEffect(() => {
    known.current = commands;
  }, [commands]);
  useEffect(() => {
    let before = "";
    let at = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || /^(Shift|Control|Alt|Meta)$/.test(event.key)) return;
      const name = nameOf(event);
      const isChord = name.startsWith("mod+");
      // The editor of SQL stands in a shadow root, out of which events seem to come from its host.
      if (!isChord && isWriting(event.composedPath()[0] ?? null)) return;
      if (document.querySelector("dialog[open]")) return;
      const sequence = event.timeStamp - at < PATIENCE ? `${before} ${name}`.trim() : name;
      const command =
        known.current.findLast((each) => each.keys === sequence) ??
        known.current.findLast((each) => each.keys === name);
      before = command ? "" : name;
      at = event.timeStamp;
      if (!command) return;
      event.preventDefault();
      command.run();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

import { type KeyboardEvent, useEffect, useId, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { useAsk } from "./api";
import { type Command, useKnownCommands } from "./commands";
import { shown } from "./keys";
import { number } from "./format";
import { useModal } from "./parts/dialog";
import { LOOKUPS, match } from "./ranking";
import type { TableLine } from "./screens/tables/api";
import { palette as text } from "./text/palette";

const MOST = 60;

/** What the palette offers for words that are no command: an id leads to its chat, others to people. */
function useLookups(query: string): Command[] {
  const [, navigate] = useLocation();
  return useMemo(() => {
    const asked = query.trim();
    if (asked.length < 2) return [];
    const go = (id: string, title: string, path: string): Command => ({
      id: `look:${id}`,
      title,
      group: text.lookUp,
      run: () => navigate(path),
    });
    const lookups = [
      go("people", text.findPerson(asked), `/people?q=${encodeURIComponent(asked)}`),
      go("search", text.searchFor(asked), `/search?q=${encodeURIComponent(asked)}`),
    ];
    if (asked.startsWith("chat_")) lookups.unshift(go("chat", text.openChat(asked), `/chats/${encodeURIComponent(asked)}`));
    return lookups;
  }, [query, navigate]);
}

function titleOf({ schema, name, attribute }: TableLine): string {
  const whole = schema === "public" ? name : `${schema}.${name}`;
  return attribute === null || attribute === name ? whole : `${attribute} (${whole})`;
}

function useTableCommands(): Command[] {
  const [, navigate] = useLocation();
  const { data } = useAsk<TableLine[]>("tables");
  return useMemo(
    () =>
      (data ?? []).map((table) => ({
        id: `table:${table.schema}.${table.name}`,
        title: titleOf(table),
        group: text.tables,
        isTable: true,
        run: () => navigate(`/tables/${encodeURIComponent(table.schema)}/${encodeURIComponent(table.name)}`),
      })),
    [data, navigate],
  );
}

function useFound(query: string): Command[] {
  const commands = useKnownCommands();
  const tables = useTableCommands();
  const lookups = useLookups(query);
  return useMemo(() => {
    const asked = query.trim().toLowerCase();
    const offered = [...commands, ...tables.filter((table) => !commands.some((each) => each.title === table.title))];
    if (!asked) return offered.slice(0, MOST);
    const ranked = offered
      .map((command) => ({ command, score: match(command, asked) }))
      .filter((each): each is { command: Command; score: number } => each.score !== null)
      .sort((a, b) => a.score - b.score);
    // An e-mail is somebody's; else what has the name goes first, and what only has its letters last.
    const first = asked.includes("@") ? 0 : ranked.filter((each) => each.score < LOOKUPS).length;
    const found = ranked.map((each) => each.command);
    return [...found.slice(0, first), ...lookups, ...found.slice(first)].slice(0, MOST + lookups.length);
  }, [query, commands, tables, lookups]);
}

/** Keys as people see them. */
export function Keys({ keys }: { keys: string }) {
  return (
    <span className="keys">
      {shown(keys).map((key, index) => (
        <kbd key={index}>{key}</kbd>
      ))}
    </span>
  );
}

/** Everything that can be done or gone to, found by typing. */
export function Palette({ onClose }: { onClose: () => void }) {
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState(0);
  const found = useFound(query);
  const list = useId();
  const modal = useModal(onClose);
  const at = Math.min(chosen, found.length - 1);
  useEffect(() => {
    document.getElementById(`${list}-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [at, list]);

  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    // The dialog gives the focus back first; what the command focuses comes after it.
    requestAnimationFrame(command.run);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return; // the keys are for the input method
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const step = steps[event.key];
    if (step !== undefined && found.length) {
      event.preventDefault();
      const next = at + step;
      setChosen(Math.abs(step) === 1 ? (next + found.length) % found.length : Math.max(0, Math.min(found.length - 1, next)));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(found[at]);
    }
  };

  return (
    <dialog {...modal} className="dialog palette" aria-label={text.title}>
      <input
        className="palette-input"
        role="combobox"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={found.length ? `${list}-${at}` : undefined}
        aria-label={text.title}
        placeholder={text.placeholder}
        autoComplete="off"
        spellCheck={false}
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          setChosen(0);
        }}
        onKeyDown={onKey}
        autoFocus
      />
      <div id={list} role="listbox" aria-label={text.title} className="palette-list" tabIndex={-1}>
        {found.map((command, index) => (
          <div
            key={`${command.group}/${command.id}`}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === at}
            className="palette-item"
            onMouseMove={() => setChosen(index)}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => run(command)}
          >
            <span className="palette-title">{command.title}</span>
            <span className="muted palette-group">{command.group}</span>
            {command.keys ? <Keys keys={command.keys} /> : null}
          </div>
        ))}
      </div>
      <p className="hidden" role="status">
        {text.count(number(found.length))}
      </p>
      {found.length ? null : <p className="palette-none muted">{text.nothing}</p>}
    </dialog>
  );
}

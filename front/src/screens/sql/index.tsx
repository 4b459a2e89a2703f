import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import "../../styles/sql.css";
import { useParams } from "../../address";
import { ask, useAsk } from "../../api";
import { type Command, useCommands } from "../../commands";
import { useWrite } from "../../overview";
import { Badge, Button, Empty, Failure, Page } from "../../parts/basic";
import { Editor, type EditorHandle } from "../../parts/editor/editor";
import type { Words } from "../../parts/editor/completion";
import { sql } from "../../text/sql";
import { type Saved, savedPath } from "./api";
import { Library, type Side } from "./library";
import { PlanView } from "./plan-view";
import { Results, TroubleBox } from "./results";
import { type Choices, type Shown, troubleOf, useRuns } from "./running";
import { SaveAs, store } from "./saving";
import { Split } from "./split";
import { Toolbar } from "./toolbar";

const KEY = "chatkeep-studio-sql";
const DRAFT_OF = "chatkeep-studio-sql-of";
const FIRST: Choices = { rows: 500, seconds: 10, write: false, single: false };

function Below({ shown, mayWrite, onShow }: { shown: Shown | null; mayWrite: boolean; onShow: (place: number) => void }) {
  if (!shown) return <Empty title={sql.nothing}>{mayWrite ? sql.nothingHintWrite : sql.nothingHint}</Empty>;
  if (shown.kind === "failure") return <Failure error={shown.error} />;
  const show = (place: number) => onShow(shown.from + place);
  if (shown.kind === "run") return <Results key={shown.outcome.id} outcome={shown.outcome} onShow={show} />;
  const { error, plan } = shown.planned;
  if (error)
    return (
      <TroubleBox title={sql.plan} trouble={error} onShow={error.place === null ? null : () => show(error.place ?? 0)} />
    );
  return plan ? <PlanView told={plan} /> : null;
}

/** A reload finds what was written; of a text that the browser has no room for it finds nothing. */
function keepDraft(text: string): void {
  try {
    sessionStorage.setItem(KEY, text);
  } catch {
    sessionStorage.removeItem(KEY);
  }
}

/** What the editor held when the page was left, if it was a change of this saved query. */
function draftOf(name: string): Pick<Saved, "version"> | null {
  const [of, version] = (sessionStorage.getItem(DRAFT_OF) ?? "").split("\n");
  return of === name && version ? { version } : null;
}

/** The saved query that the address names, or the text that it brings. */
function useOpened(editor: React.RefObject<EditorHandle | null>) {
  const [params, change] = useParams();
  const [opened, setOpened] = useState<Saved | null>(null);
  const [error, setError] = useState<unknown>(null);
  const name = params.get("saved");
  const linked = params.get("q");
  const open = useCallback((saved: Saved | null) => {
    setOpened(saved);
    sessionStorage.setItem(DRAFT_OF, saved ? `${saved.name}\n${saved.version}` : "");
  }, []);
  useEffect(() => {
    setError(null);
    if (linked !== null) editor.current?.replace(linked);
    if (name === null) {
      open(null);
      return undefined;
    }
    const controller = new AbortController();
    ask<Saved>(savedPath(name), { signal: controller.signal }).then(
      (saved) => {
        const draft = draftOf(name);
        // An unsaved change outlives a reload; who stores it is told when the file has changed meanwhile.
        if (!draft) editor.current?.replace(saved.sql ?? "");
        open(draft ? { ...saved, ...draft } : saved);
      },
      (refused: unknown) => {
        if (!controller.signal.aborted) setError(refused);
      },
    );
    return () => controller.abort();
  }, [name, linked, editor, open]);
  return { params, change, opened, open, error, setError };
}

export default function Screen() {
  const editor = useRef<EditorHandle>(null);
  const mayWrite = useWrite();
  const [text, setText] = useState(() => sessionStorage.getItem(KEY) ?? "");
  const [choices, setChoices] = useState(FIRST);
  const [shown, setShown] = useState<Shown | null>(null);
  const [stamp, setStamp] = useState(0);
  const [isNaming, setNaming] = useState(false);
  const { params, change, opened, open, error, setError } = useOpened(editor);
  const words = useAsk<Words>("console/words").data;
  const panel = params.get("panel");
  const side: Side | null = panel === "saved" || panel === "history" ? panel : null;

  const told = useCallback((next: Shown) => {
    setShown(next);
    setStamp((before) => before + 1);
    const trouble = troubleOf(next);
    const isPlaced = trouble !== null && trouble.place !== null;
    editor.current?.mark(isPlaced ? { place: trouble.place ?? 0, message: trouble.trouble.message } : null);
  }, []);
  const { under, run, plan, cancel } = useRuns(told);

  const write = (next: string) => {
    setText(next);
    keepDraft(next);
    // A link's text is there once: a reload must not write it over what was made of it.
    if (params.has("q") && next !== params.get("q")) change({ q: null }, "replace");
  };
  const start = (isAll: boolean) => {
    const piece = isAll ? editor.current?.all() : editor.current?.current();
    if (!piece) return;
    editor.current?.mark(null);
    run(piece, { ...choices, write: choices.write && mayWrite });
  };
  const explain = (analyze: boolean) => {
    const piece = editor.current?.current();
    if (piece) plan(piece, analyze, choices.seconds);
  };
  const keep = (saved: Saved) => {
    setNaming(false);
    setError(null);
    open(saved);
    setStamp((before) => before + 1);
    change({ saved: saved.name, q: null });
  };
  const save = () => {
    if (!opened) setNaming(true);
    else store(opened.name, editor.current?.all().text ?? "", opened.version).then(keep, setError);
  };
  const acts = { start, explain, save, cancel, clear: () => editor.current?.replace("") };
  const now = useRef(acts);
  now.current = acts;
  const commands = useMemo<Command[]>(() => {
    const offer = (id: string, title: string, act: () => void, keys?: string): Command => ({
      id: `sql-${id}`,
      title,
      group: sql.group,
      run: act,
      ...(keys ? { keys } : {}),
    });
    return [
      offer("run", sql.run, () => now.current.start(false), "mod+enter"),
      offer("run-all", sql.runAll, () => now.current.start(true), "mod+shift+enter"),
      offer("explain", sql.explain, () => now.current.explain(false)),
      offer("analyze", sql.analyze, () => now.current.explain(true)),
      offer("save", sql.save, () => now.current.save(), "mod+s"),
      offer("cancel", sql.cancel, () => now.current.cancel()),
    ];
  }, []);
  useCommands(commands);

  const isChanged = opened !== null && text !== opened.sql;
  const actions = (
    <>
      <Button onClick={save}>{sql.save}</Button>
      {opened ? (
        <Button
          onClick={() => {
            change({ saved: null, q: null });
            editor.current?.replace("");
            editor.current?.focus();
          }}
        >
          {sql.newQuery}
        </Button>
      ) : null}
      {(["saved", "history"] as const).map((each) => (
        <Button key={each} kind="quiet" aria-pressed={side === each} onClick={() => change({ panel: side === each ? null : each })}>
          {sql[each]}
        </Button>
      ))}
    </>
  );
  return (
    <Page title={sql.title} fills actions={actions} about={opened ? <>{opened.name} {isChanged ? <Badge tone="warn">{sql.changed}</Badge> : null}</> : null}>
      <div className={`console${side ? " console-with-library" : ""}`}>
        <div className="console-main">
          {error ? <Failure error={error} /> : null}
          <Split
            top={
              <div className="console-top">
                <Editor
                  ref={editor}
                  label={sql.editor}
                  text={text}
                  hint={sql.placeholder}
                  about={sql.editorHint}
                  words={words}
                  onChange={write}
                  keys={{
                    "Mod-Enter": () => start(false),
                    "Mod-Shift-Enter": () => start(true),
                    "Mod-s": save,
                  }}
                />
                <Toolbar
                  choices={choices}
                  since={under?.since ?? null}
                  onChoose={setChoices}
                  onRun={() => start(false)}
                  onRunAll={() => start(true)}
                  onExplain={explain}
                  onCancel={cancel}
                />
                <p className="console-hint muted">{sql.editorHint}</p>
              </div>
            }
            bottom={
              <section className="console-results" aria-label={sql.results} aria-busy={under !== null}>
                <Below shown={shown} mayWrite={mayWrite} onShow={(place) => editor.current?.show(place)} />
              </section>
            }
          />
        </div>
        {side ? (
          <Library
            side={side}
            opened={opened?.name ?? null}
            stamp={stamp}
            onSide={(next) => change({ panel: next })}
            onTake={(taken) => {
              change({ saved: null, q: null });
              editor.current?.replace(taken);
              editor.current?.focus();
            }}
            onDeleted={(gone) => {
              if (gone === opened?.name) change({ saved: null });
            }}
          />
        ) : null}
      </div>
      {isNaming ? <SaveAs text={editor.current?.all().text ?? text} onSaved={keep} onClose={() => setNaming(false)} /> : null}
    </Page>
  );
}

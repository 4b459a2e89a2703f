import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, syntaxTree } from "@codemirror/language";
import { Compartment, EditorState, type Extension, Prec } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { postgresql, type Words } from "./completion";
import "./editor.css";
import { theme } from "./theme";
import { setTrouble, type Trouble, troubles } from "./trouble";

export interface Piece {
  text: string;
  /** Where it begins in the editor. */
  from: number;
}

export interface EditorHandle {
  focus: () => void;
  /** The selection, or the statement at the cursor; empty where there is none. */
  current: () => Piece;
  all: () => Piece;
  replace: (text: string) => void;
  mark: (trouble: Trouble | null) => void;
  show: (place: number) => void;
}

interface EditorProps {
  /** What the editor is called to those who do not see it. */
  label: string;
  /** The text at the start; later texts come by `replace`. */
  text: string;
  onChange?: (text: string) => void;
  /** Tables and columns to complete. */
  words?: Words | undefined;
  readOnly?: boolean;
  hint?: string;
  /** What those hear who do not see what stands beside it. */
  about?: string;
  /** By name of the key, such as "Mod-Enter". */
  keys?: Record<string, () => void>;
  ref?: Ref<EditorHandle>;
}

/**
 * SQL with colours and completion. It lives in a shadow root: there CodeMirror adopts its style sheets,
 * where in the page it would write a style element, which the page's policy refuses.
 */
export function Editor({ label, text, onChange, words, readOnly = false, hint = "", about = "", keys = {}, ref }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const language = useRef(new Compartment());
  const now = useRef({ onChange, keys });
  now.current = { onChange, keys };
  const start = useRef({ text, words });

  useEffect(() => {
    if (!host.current) return undefined;
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: "open" });
    const extensions: Extension[] = [
      Prec.highest(
        keymap.of(
          Object.keys(now.current.keys).map((key) => ({
            key,
            run: (view) => {
              closeCompletion(view);
              now.current.keys[key]?.();
              return true;
            },
          })),
        ),
      ),
      lineNumbers(),
      highlightSpecialChars(),
      highlightActiveLineGutter(),
      history(),
      drawSelection(),
      bracketMatching(),
      closeBrackets(),
      autocompletion({ icons: false }),
      highlightActiveLine(),
      EditorView.lineWrapping,
      EditorState.readOnly.of(readOnly),
      EditorView.contentAttributes.of({ "aria-label": label, "aria-description": about }),
      placeholder(hint),
      language.current.of(postgresql(start.current.words)),
      troubles,
      theme,
      keymap.of([
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...defaultKeymap,
        ...historyKeymap,
        indentWithTab,
      ]),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) now.current.onChange?.(update.state.doc.toString());
      }),
    ];
    const made = new EditorView({ doc: start.current.text, extensions, parent: root, root });
    view.current = made;
    return () => {
      start.current.text = made.state.doc.toString();
      view.current = null;
      made.destroy();
    };
  }, [label, readOnly, hint, about]);

  useEffect(() => {
    start.current.words = words;
    view.current?.dispatch({ effects: language.current.reconfigure(postgresql(words)) });
  }, [words]);

  useImperativeHandle(ref, () => ({
    focus: () => view.current?.focus(),
    current: () => (view.current ? pieceAt(view.current.state) : { text: "", from: 0 }),
    all: () => ({ text: view.current?.state.doc.toString() ?? "", from: 0 }),
    replace: (next) => {
      const { current } = view;
      if (!current) start.current.text = next;
      else if (current.state.doc.toString() !== next) {
        current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: next }, selection: { anchor: 0 } });
      }
    },
    mark: (trouble) => view.current?.dispatch({ effects: setTrouble.of(trouble) }),
    show: (place) => {
      const { current } = view;
      if (!current) return;
      const anchor = Math.min(place, current.state.doc.length);
      current.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
      current.focus();
    },
  }));

  return <div ref={host} className="editor" />;
}

function pieceAt(state: EditorState): Piece {
  const { from, to, head } = state.selection.main;
  if (from !== to) return { text: state.sliceDoc(from, to), from };
  let best: { from: number; to: number } | null = null;
  for (let node = syntaxTree(state).topNode.firstChild; node; node = node.nextSibling) {
    if (node.name !== "Statement") continue;
    // Behind a statement's semicolon it is still meant, until the next one begins.
    if (node.from <= head || !best) best = { from: node.from, to: node.to };
  }
  if (!best) return { text: state.doc.toString(), from: 0 };
  return { text: state.sliceDoc(best.from, best.to), from: best.from };
}

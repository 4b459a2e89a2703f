import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";

/** An error at a place of the text, in UTF-16 units from 0. */
export interface Trouble {
  place: number;
  message: string;
}

export const setTrouble = StateEffect.define<Trouble | null>();

class Said extends WidgetType {
  constructor(private readonly message: string) {
    super();
  }
  override eq(other: Said): boolean {
    return other.message === this.message;
  }
  toDOM(): HTMLElement {
    const element = document.createElement("div");
    element.className = "cm-trouble-text";
    element.textContent = this.message;
    return element;
  }
}

/** What is wrong is underlined, and said below its line; it goes away when its text is changed. */
export const troubles = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(shown, change) {
    for (const effect of change.effects) {
      if (!effect.is(setTrouble)) continue;
      if (effect.value === null) return Decoration.none;
      const place = Math.min(effect.value.place, change.state.doc.length);
      const line = change.state.doc.lineAt(place);
      const word = /^(?:"[^"]*"|\w+|.)/u.exec(line.text.slice(place - line.from))?.[0] ?? "";
      const said = Decoration.widget({ widget: new Said(effect.value.message), block: true, side: 1 });
      const marks = [said.range(line.to)];
      if (word) marks.unshift(Decoration.mark({ class: "cm-trouble" }).range(place, place + word.length));
      return Decoration.set(marks, true);
    }
    return change.docChanged ? Decoration.none : shown;
  },
  provide: (field) => EditorView.decorations.from(field),
});
